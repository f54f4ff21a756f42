"""Real servers for the integration tests: Valkey, and Redis where a `redis-server` is installed."""

import shutil
from collections.abc import Iterator

import pytest
import redis

from adapters.live_state import LiveState
from benchmarks import valkey_server

PRECISIONS = (4, 5, 6, 7, 8)

SERVERS = {"valkey": str(valkey_server.VALKEY)}
if REDIS := shutil.which("redis-server"):
    SERVERS["redis"] = REDIS


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server of each engine."""
    with valkey_server.running(SERVERS[request.param]) as url:
        yield url


@pytest.fixture
def client(server: str) -> redis.Redis:
    """A connection to an empty server."""
    client = redis.Redis.from_url(server)
    client.flushall()
    return client


@pytest.fixture
def state(client: redis.Redis) -> LiveState:
    return LiveState(client, PRECISIONS)
