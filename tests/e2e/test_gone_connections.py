"""Connections that end without a word leave nothing behind on the running stack."""

from collections.abc import Callable

import pytest
import redis

from adapters.live_state import LiveState
from adapters.registry import Registry
from e2e.support import Traffic, until
from factories import TESTER
from fleetglow.deployment import Deployment
from heatmap.access import principal
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.viewports import viewport

NAIROBI = viewport("nairobi", 7, None, cities(), (7,))
NOBODY = principal(TESTER | {"sub": "nobody"})
GHOST = "aGhostConnection="


@pytest.fixture
def ghost(stack: Deployment, state: LiveState) -> Callable[[], bool]:
    """A viewer that the registry knows and API Gateway does not; says whether it is still there."""
    registry = Registry(redis.Redis.from_url(stack.redis_url))
    registry.add(GHOST, NOBODY)
    registry.subscribe(GHOST, NOBODY, NAIROBI)
    state.watch(NAIROBI, GHOST, Encoding.JSON)
    return lambda: bool(registry.viewports(GHOST)) or GHOST in str(state.viewers([NAIROBI]))


def test_a_connection_that_is_gone_is_forgotten_within_a_minute(ghost: Callable[[], bool]):
    with Traffic("nairobi"):
        until(lambda: not ghost(), seconds=60)
