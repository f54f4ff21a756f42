"""The functions' user of the cache, as infra/cache_users.yaml makes it, on a real server."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from botocore.credentials import Credentials

from adapters.cache_login import CacheLogin
from adapters.checkpoints import Checkpoints
from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.registry import Registry
from cloudformation import ROOT, load
from factories import NOW, TESTER, a_ping, a_record
from heatmap.access import principal
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.records import decode
from heatmap.register import merged
from heatmap.viewports import viewport

PRECISIONS = (4, 5, 6, 7, 8)
FUNCTIONS = load(ROOT / "infra/cache_users.yaml")["Resources"]["Functions"]["Properties"]
WATCHED = viewport("lagos", 7, None, cities(), PRECISIONS)


@pytest.fixture
def limited(client: redis.Redis) -> Iterator[redis.Redis]:
    """A client that may do what the functions may."""
    client.execute_command("ACL", "SETUSER", "functions", ">secret", *FUNCTIONS["AccessString"].split())
    connection = client.connection_pool.connection_kwargs
    yield redis.Redis(host=connection["host"], port=connection["port"], username="functions", password="secret")
    client.execute_command("ACL", "DELUSER", "functions")


def test_the_functions_user_may_do_all_that_functions_do(limited: redis.Redis):
    state, record = LiveState(limited, PRECISIONS), decode(a_record(a_ping("driver-1", NOW)))

    state.watch(WATCHED, "viewer-1", Encoding.JSON)
    state.apply(merged([record]), record.received_at)
    token = Lease(limited).take(at_least=NOW)
    ticks = state.tick(state.cities(), token, NOW, NOW, 30_000)
    Registry(limited).add("viewer-1", principal(TESTER), most=1)
    Registry(limited).add("viewer-2", principal(TESTER), most=1)
    Registry(limited).remove("viewer-1")
    state.unwatch([WATCHED], "viewer-1")
    state.recount("lagos")
    Checkpoints(limited).note("pings", "shard-0", "1")

    assert ["lagos"] == list(ticks)
    assert Lease(limited).is_current(token)
    assert state.check(["lagos"])["lagos"].exact
    assert {"shard-0": "1"} == Checkpoints(limited).of("pings")


@pytest.mark.parametrize("command", ["KEYS *", "FLUSHALL", "CONFIG GET *", "ACL LIST", "MONITOR", "SHUTDOWN"])
def test_the_functions_user_may_not_see_or_change_the_server(limited: redis.Redis, command: str):
    with pytest.raises(redis.exceptions.NoPermissionError):
        limited.execute_command(*command.split())


def test_a_password_is_a_signed_request_to_connect():
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "session")

    user, password = CacheLogin("fg-1", "a-cache", credentials, "eu-west-1").get_credentials()

    url = urlsplit(f"//{password}")
    query = {name: value for name, [value] in parse_qs(url.query).items()}
    assert ("fg-1", "a-cache", "/") == (user, url.netloc, url.path)
    assert {"Action": "connect", "User": "fg-1", "X-Amz-Expires": "900", "X-Amz-Security-Token": "session"}.items() <= (
        query.items()
    )
    assert query["X-Amz-Credential"].endswith("/eu-west-1/elasticache/aws4_request")
    assert query["X-Amz-Signature"]
    assert "wJalrXUtnFEMI" not in password
