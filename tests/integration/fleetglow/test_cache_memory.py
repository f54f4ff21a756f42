"""What `fleetglow cost` reckons with is about what a real server takes."""

from collections.abc import Iterator

import pytest
import redis

from adapters.live_state import LiveState
from adapters.registry import Registry
from benchmarks import valkey_server
from benchmarks.traffic import Traffic
from factories import NOW
from fleetglow.cache_memory import BYTES_PER_DRIVER, BYTES_PER_VIEWER
from heatmap.access import Names, Principal
from heatmap.cells import BBox
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.viewports import Viewport, viewport

DRIVERS, VIEWERS = 4_000, 1_000
PRECISIONS = (4, 5, 6, 7, 8)
SECONDS = 30


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    # One of our own: what an emptied server held before may be freed only later.
    with valkey_server.running() as url:
        yield redis.Redis.from_url(url)


def used(client: redis.Redis) -> int:
    memory: int = client.info("memory")["used_memory"]
    return memory


def screen(precision: int, number: int = 0) -> Viewport:
    """A part of Lagos, another one for each number."""
    south, west = 6.4 + number % 20 * 0.01, 3.1 + number // 20 * 0.01
    return viewport("lagos", precision, BBox(south, west, south + 0.02, west + 0.02), cities(), PRECISIONS)


def test_a_fleet_whose_streets_are_watched_stays_below_what_is_reckoned(client: redis.Redis, state: LiveState):
    state.watch(screen(8), "viewer", Encoding.JSON)
    before = used(client)
    traffic = Traffic(state, DRIVERS)
    for _ in range(SECONDS // 3):
        traffic.drive()
        state.tick(state.cities(), 1, traffic.now, traffic.now, 30_000)

    # Two minutes would leave more cells behind them, and ten thousand drivers share more.
    assert 0.25 < (used(client) - before) / DRIVERS / BYTES_PER_DRIVER < 1


def test_so_do_viewers(client: redis.Redis, state: LiveState):
    registry = Registry(client, clock=lambda: NOW)
    state.watch(screen(7), "first", Encoding.DEFLATE)
    before = used(client)
    for number in range(VIEWERS):
        who = Principal(f"viewer-{number}", frozenset({"heatmap:read"}), NOW + 3_600_000, Names(), Names.of(["*"]))
        registry.add(f"connection-{number}", who)
        registry.subscribe(f"connection-{number}", who, screen(7, number))
        state.watch(screen(7, number), f"connection-{number}", Encoding.DEFLATE)

    assert 0.5 < (used(client) - before) / VIEWERS / BYTES_PER_VIEWER < 1.5
