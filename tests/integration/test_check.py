"""The self-check: counts that were spoilt are found and made right while pings come in, and viewers hear of it."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.observability import metrics
from adapters.publisher import Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from broadcast.broadcaster import Broadcaster
from check import app
from check.checker import Checker
from factories import LAGOS, NOW, LambdaContext, a_ping, a_record
from fakes.clock import FakeClock
from fakes.queue import FakeQueue
from heatmap.cells import cell_of
from heatmap.cities import cities
from heatmap.errors import Unavailable
from heatmap.frames import Encoding
from heatmap.records import decode
from heatmap.register import merged
from heatmap.viewports import viewport

TICK = 3_000
SETTINGS = BroadcastSettings(tick_ms=TICK, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=4_000)
VIEWPORT = viewport("lagos", 7, None, cities(), (4, 5, 6, 7, 8))
CELL = cell_of(*LAGOS)


def ping(state: LiveState, *drivers: str, at: int = NOW) -> None:
    record = decode(a_record(*(a_ping(driver, at) for driver in drivers)))
    state.apply(merged([record]), record.received_at)


def spoil_a_count(client: redis.Redis) -> None:
    client.hincrby("{lagos}:n:6", CELL[:6], 3)


def spoil_a_cell(client: redis.Redis) -> None:
    client.hdel("{lagos}:n:7", CELL[:7])


def spoil_the_last_seen_times(client: redis.Redis) -> None:
    client.zrem("{lagos}:seen", "driver-1")


def spoil_with_a_stranger(client: redis.Redis) -> None:
    client.zadd("{lagos}:seen", {"nobody": NOW})


SPOILERS = [spoil_a_count, spoil_a_cell, spoil_the_last_seen_times, spoil_with_a_stranger]


@pytest.fixture
def told() -> Iterator[dict[str, Any]]:
    """The metrics that were recorded so far."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_what_was_spoilt_is_told_and_repaired_and_other_cities_are_left_alone(
    state: LiveState, client: redis.Redis, told: dict[str, Any], spoil: Any
):
    ping(state, "driver-1", "driver-2")
    record = decode(a_record(a_ping("in-london", position=(51.5, -0.1))))
    state.apply(merged([record]), record.received_at)
    spoil(client)
    before = state.check(["lagos", "london"])

    differences = Checker(state).run()

    after = state.check(["lagos", "london"])
    assert {"lagos": before["lagos"].difference} == differences
    assert (True, 2) == (after["lagos"].exact, after["lagos"].stamp.live)
    assert before["lagos"].stamp.epoch != after["lagos"].stamp.epoch
    assert before["london"] == after["london"]
    assert [float(differences["lagos"])] == told["conservation_difference"]["Value"]
    assert [1.0] == told["cities_recounted"]["Value"]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_after_a_repair_drivers_move_and_leave_as_ever(state: LiveState, client: redis.Redis, spoil: Any):
    ping(state, "driver-1", "driver-2")
    spoil(client)
    Checker(state).run()

    ping(state, "driver-2", "driver-3", at=NOW + 40_000)
    state.tick(["lagos"], 1, NOW + 40_000, NOW + 40_000, 30_000)

    assert {CELL[:7]: 2} == {cell: n for cell, n in state.view("lagos", 7).cells.items() if n}
    assert state.check(["lagos"])["lagos"].exact


def test_zero_is_told_where_all_is_well_and_where_nobody_drives(state: LiveState, told: dict[str, Any]):
    assert {} == Checker(state).run()
    ping(state, "driver-1")
    assert {} == Checker(state).run()

    assert [0.0, 0.0] == told["conservation_difference"]["Value"]
    assert "cities_recounted" not in told


def test_viewers_hear_of_the_new_epoch_at_the_next_tick_and_see_the_right_count(
    state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(app, "state", lambda: state)
    clock, queue = FakeClock(NOW - NOW % TICK + 100), FakeQueue()
    broadcaster = Broadcaster(
        state, Publisher(state, 3), Lease(client), Registry(client), queue, SETTINGS, clock, clock.sleep
    )
    state.watch(VIEWPORT, "viewer-1", Encoding.JSON)
    ping(state, "driver-1", at=clock.now)
    broadcaster.run(until=clock.now + TICK)
    [seen] = queue.take_messages("viewer-1")
    spoil_a_cell(client)

    answer = app.lambda_handler({}, LambdaContext())
    broadcaster.run(until=clock.now + TICK)

    assert {"differences": {"lagos": 1}} == answer
    [message] = queue.take_messages("viewer-1")
    assert seen["epoch"] != message["epoch"] == state.check(["lagos"])["lagos"].stamp.epoch
    # Of another epoch, it is nothing to go on from: the viewer subscribes again.
    assert {CELL[:7]: 1} == state.watch(VIEWPORT, "viewer-1", Encoding.JSON, seen["rev"], seen["epoch"]).cells


def test_a_state_that_does_not_answer_tells_nothing(told: dict[str, Any]):
    nowhere = redis.Redis(port=1, socket_connect_timeout=0.1)

    with pytest.raises(Unavailable):
        Checker(LiveState(nowhere, (5, 6, 7))).run()

    assert {} == told
