"""The network that can fail, before a server that counts what arrives."""

from collections.abc import AsyncIterator
from random import Random
from urllib.parse import urlsplit

import pytest
import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chaos.proxy import Proxy, proxied

CALLS = 400


@pytest.fixture
async def proxy(server: str) -> AsyncIterator[Proxy]:
    url = urlsplit(server)
    async with proxied(str(url.hostname), int(url.port or 0), Random(1)) as proxy:
        yield proxy


@pytest.fixture
async def through(proxy: Proxy) -> AsyncIterator[Redis]:
    """A client behind the proxy, which does not try again."""
    async with Redis(port=proxy.port, retry=Retry(NoBackoff(), 0), driver_info=None, protocol=2) as client:
        yield client


async def answered(through: Redis) -> int:
    """How many of many calls were answered."""
    answers = 0
    for _ in range(CALLS):
        try:
            await through.incr("calls")
        except redis.ConnectionError:
            continue
        answers += 1
    return answers


async def test_all_calls_pass_while_nothing_fails(through: Redis, client: redis.Redis):
    assert CALLS == await answered(through)
    assert str(CALLS).encode() == client.get("calls")


async def test_half_of_the_calls_that_fail_were_carried_out(proxy: Proxy, through: Redis, client: redis.Redis):
    proxy.failing = 0.2

    answers = await answered(through)

    lost, unanswered = proxy.counters["calls lost"], proxy.counters["answers lost"]
    assert CALLS == answers + lost + unanswered
    assert 0.1 * CALLS < lost + unanswered < 0.3 * CALLS
    assert min(lost, unanswered) > 0.03 * CALLS
    assert answers + unanswered == int(client.get("calls") or 0)


async def test_nothing_passes_while_it_is_cut_and_all_does_once_it_is_mended(proxy: Proxy, through: Redis):
    await through.ping()

    proxy.cut()
    for _ in range(3):
        with pytest.raises(redis.ConnectionError):
            await through.ping()
    proxy.mend()

    assert await through.ping()
    assert (1, True) == (proxy.counters["connections cut"], proxy.counters["connections refused"] >= 2)
