"""Other precisions are configured than those a state was counted at: they are right at once, and the old ones go."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from adapters.live_state import LiveState
from adapters.observability import metrics
from adapters.publisher import Publisher
from check.checker import Checker
from factories import LAGOS, NOW, a_ping, a_record
from heatmap.cells import BBox, cell_of
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.records import decode
from heatmap.register import merged
from heatmap.viewports import Audience, viewport

ALL, FEW, COARSER, FINER = (4, 5, 6, 7, 8), (5, 6, 7), (4, 5, 6, 7), (5, 6, 7, 8)
TICK = 3_000
BBOX = BBox(6.5, 3.3, 6.6, 3.4)


@pytest.fixture
def told() -> Iterator[dict[str, Any]]:
    """The metrics that were recorded so far."""
    metrics.clear_metrics()
    yield metrics.metric_set
    metrics.clear_metrics()


def ping(state: LiveState, *drivers: str, at: int = NOW) -> None:
    record = decode(a_record(*(a_ping(driver, at) for driver in drivers)))
    state.apply(merged([record]), record.received_at)


def tick(state: LiveState, at: int = NOW) -> None:
    state.tick(["lagos"], 1, at, at, 30_000)


def publish(state: LiveState) -> None:
    Publisher(state, 3).publish(["lagos"])


def watch(state: LiveState, precision: int, audience: Audience = Audience.EXACT) -> None:
    wanted = viewport("lagos", precision, BBOX, cities(), state.precisions)
    state.watch(wanted.seen_by(audience), "viewer-1", Encoding.JSON)


def of_precisions(client: redis.Redis, *precisions: int) -> list[str]:
    """What the server holds of the counts at these precisions: keys, and fields of what is noted of a city."""
    keys = sorted(key.decode() for key in client.scan_iter())
    counts = tuple(f":{kind}:{p}" for kind in "nr" for p in precisions)
    noted = [(key, field.decode()) for key in keys if key.endswith(":meta") for field in client.hgetall(key)]
    return [key for key in keys if key.endswith(counts)] + [
        f"{key} {field}" for key, field in noted if field.endswith(tuple(f":{p}" for p in precisions))
    ]


@pytest.mark.parametrize("precisions", [COARSER, FINER, FEW], ids=str)
def test_the_self_check_rings_for_no_change_of_precisions(
    client: redis.Redis, told: dict[str, Any], precisions: tuple[int, ...]
):
    ping(LiveState(client, (6,)), "driver-1", "driver-2")
    state = LiveState(client, precisions)

    assert {} == Checker(state).run()

    assert [0.0] == told["conservation_difference"]["Value"]
    found = state.check(["lagos"])["lagos"]
    assert {p: 2 for p in precisions if p < 8} == found.sums
    assert (True, 2) == (found.exact, found.stamp.live)


@pytest.mark.parametrize(
    "touch",
    [lambda state: Checker(state).run(), tick, lambda state: ping(state, "driver-3")],
    ids=["check", "tick", "ping"],
)
def test_what_was_counted_at_precisions_that_are_no_more_is_dropped(
    client: redis.Redis, touch: Callable[[LiveState], None]
):
    before = LiveState(client, ALL)
    watch(before, 8)
    ping(before, "driver-1", "driver-2")
    tick(before, NOW - TICK)
    assert of_precisions(client, 4, 8)

    touch(LiveState(client, FEW))

    assert [] == of_precisions(client, 4, 8)
    assert LiveState(client, FEW).check(["lagos"])["lagos"].exact


def test_what_was_published_at_them_is_dropped_too(client: redis.Redis):
    before = LiveState(client, ALL)
    watch(before, 5, Audience.PUBLIC)
    ping(before, "a", "b", "c")
    publish(before)
    assert of_precisions(client, 4)

    state = LiveState(client, FEW)
    tick(state)
    publish(state)

    assert [] == of_precisions(client, 4, 8)
    shown = state.view("lagos", 5, audience=Audience.PUBLIC).cells
    assert {cell_of(*LAGOS, 5): 3} == {cell: n for cell, n in shown.items() if n}


def test_whoever_asks_first_sees_the_counts_at_a_new_precision(client: redis.Redis):
    ping(LiveState(client, FEW), "driver-1", "driver-2")

    assert {cell_of(*LAGOS, 4): 2} == LiveState(client, ALL).view("lagos", 4).cells
    assert {cell_of(*LAGOS, 8): 2} == LiveState(client, ALL).view("lagos", 8).cells


def test_whoever_asks_for_a_state_that_there_is_not_makes_none(client: redis.Redis):
    state = LiveState(client, ALL)

    assert {} == state.view("lagos", 7).cells
    assert 0 == state.check(["lagos"])["lagos"].stamp.live
    assert [] == client.keys("{lagos}:*")


def test_while_functions_of_two_deployments_take_turns_every_one_finds_its_counts_exact(client: redis.Redis):
    old, new = LiveState(client, FEW), LiveState(client, ALL)

    for turn in range(6):
        ping(old if turn % 2 else new, f"driver-{turn}", at=NOW + turn)
        assert {} == Checker(new if turn % 3 else old).run()

    assert {4: 6, 5: 6, 6: 6, 7: 6} == new.check(["lagos"])["lagos"].sums


def dump(client: redis.Redis) -> dict[bytes, bytes]:
    """All that the server holds."""
    return {key: client.dump(key) for key in client.scan_iter()}


@pytest.mark.parametrize("precisions", [COARSER, FINER, (4, 8)], ids=str)
def test_whoever_merely_reads_is_right_and_changes_nothing(client: redis.Redis, precisions: tuple[int, ...]):
    ping(LiveState(client, FEW), "driver-1", "driver-2")
    before = dump(client)
    reader = LiveState(client, precisions)

    assert {p: {cell_of(*LAGOS, p): 2} for p in precisions} == {p: reader.view("lagos", p).cells for p in precisions}
    found = reader.check(["lagos"])["lagos"]
    of_always = {p: 2 for p in precisions if p < 8}
    assert (True, of_always, dict.fromkeys(of_always, 1)) == (found.exact, found.sums, found.cells)
    assert before == dump(client)


def test_viewers_are_told_of_a_new_epoch(client: redis.Redis):
    before = LiveState(client, ALL)
    ping(before, "driver-1")
    epoch = before.check(["lagos"])["lagos"].stamp.epoch

    Checker(LiveState(client, FEW)).run()

    assert epoch != before.check(["lagos"])["lagos"].stamp.epoch
