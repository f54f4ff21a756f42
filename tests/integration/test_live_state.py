from random import Random

import pytest
import redis

from adapters.batches import Batch
from adapters.city_scripts import CityScripts
from adapters.live_state import QUIET_MS, TOMBSTONE_MS, VIEWPORTS_PER_CALL, LiveState
from factories import LAGOS, NOW, a_ping, a_record
from heatmap.cells import BBox, cell_of
from heatmap.cities import cities
from heatmap.errors import StaleLease
from heatmap.frames import Encoding
from heatmap.pings import Ping
from heatmap.records import decode
from heatmap.register import merged
from heatmap.state import Applied, Sent, Tick
from heatmap.viewports import viewport

TTL = 30_000
TICK = 3_000
# For how long the finest precision is counted on when nobody uses it any more.
LINGER = 60_000
IKEJA = (6.60, 3.35)
LONDON = (51.5, -0.1)
PRECISIONS = (4, 5, 6, 7, 8)
WHOLE_LAGOS = viewport("lagos", 7, None, cities(), PRECISIONS)
STREET = viewport("lagos", 8, BBox(6.51, 3.37, 6.53, 3.39), cities(), PRECISIONS)
JSON = Encoding.JSON


def apply(state: LiveState, *pings: Ping) -> Applied:
    return state.apply(merged([decode(a_record(*pings))]), max(ping.received_at for ping in pings))


def tick(state: LiveState, now: int, token: int = 1) -> dict[str, Tick]:
    return state.tick(state.cities(), token, now, now, TTL)


def cells(state: LiveState, precision: int = 7, city: str = "lagos") -> dict[str, int]:
    return {cell: n for cell, n in state.view(city, precision).cells.items() if n}


def counted(state: LiveState) -> list[int]:
    """The precisions that are counted now."""
    return list(state.check(["lagos"])["lagos"].sums)


def test_a_driver_is_counted_once_at_every_precision(state: LiveState):
    apply(state, a_ping())

    assert [{cell_of(*LAGOS, p): 1} for p in PRECISIONS] == [cells(state, p) for p in PRECISIONS]


def test_a_driver_that_moves_leaves_the_cell_it_was_in(state: LiveState):
    apply(state, a_ping())
    apply(state, a_ping(sampled_at=NOW + 1, position=IKEJA))

    assert {cell_of(*IKEJA, 7): 1} == cells(state)


def test_a_late_ping_does_not_move_the_driver(state: LiveState):
    apply(state, a_ping(sampled_at=NOW + 1))

    assert Applied(late=1) == apply(state, a_ping(position=IKEJA))
    assert {cell_of(*LAGOS, 7): 1} == cells(state)


def test_the_same_ping_again_changes_nothing(state: LiveState):
    apply(state, a_ping())
    before = state.view("lagos", 7)

    assert Applied(duplicate=1) == apply(state, a_ping())
    assert before == state.view("lagos", 7)


def test_of_two_pings_of_one_moment_the_same_one_wins_in_any_order(state: LiveState, client: redis.Redis):
    pings = [a_ping(), a_ping(position=IKEJA)]

    found = []
    for order in (pings, pings[::-1]):
        client.flushall()
        for ping in order:
            apply(state, ping)
        found.append(cells(state))

    assert found[0] == found[1]


def test_several_pings_of_a_driver_in_one_batch_end_at_the_newest(state: LiveState):
    applied = apply(state, a_ping(), a_ping(sampled_at=NOW + 2, position=IKEJA), a_ping(sampled_at=NOW + 1))

    assert Applied(applied=2, late=1) == applied
    assert {cell_of(*IKEJA, 7): 1} == cells(state)


def test_a_batch_larger_than_one_call_is_applied_whole(state: LiveState):
    apply(state, *[a_ping(f"driver-{n}") for n in range(2_500)])

    assert {cell_of(*LAGOS, 7): 2_500} == cells(state)


def test_a_silent_driver_leaves(state: LiveState):
    apply(state, a_ping("silent"), a_ping("lively", sampled_at=NOW + TTL))

    assert 1 == tick(state, NOW + TTL)["lagos"].swept
    assert {cell_of(*LAGOS, 7): 1} == cells(state)
    assert state.check(["lagos"])["lagos"].exact


def test_a_ping_from_before_the_sweep_does_not_bring_a_driver_back(state: LiveState):
    apply(state, a_ping())
    tick(state, NOW + TTL)

    assert Applied(late=1) == apply(state, a_ping())
    assert {} == cells(state)


def test_a_driver_that_comes_back_is_counted_again(state: LiveState):
    apply(state, a_ping())
    tick(state, NOW + TTL)
    apply(state, a_ping(sampled_at=NOW + TTL + 1))

    assert {cell_of(*LAGOS, 7): 1} == cells(state)


def test_what_changed_since_a_revision_holds_the_cells_that_went_empty(state: LiveState):
    apply(state, a_ping())
    stamp = state.view("lagos", 7).stamp
    apply(state, a_ping(sampled_at=NOW + 1, position=IKEJA))

    changed = state.view("lagos", 7, since=stamp.rev, epoch=stamp.epoch)

    assert stamp.rev == changed.since
    assert {cell_of(*LAGOS, 7): 0, cell_of(*IKEJA, 7): 1} == changed.cells


@pytest.mark.parametrize(("ahead", "epoch"), [(1, ""), (0, "other")])
def test_a_revision_that_is_not_ours_gets_everything(state: LiveState, ahead: int, epoch: str):
    apply(state, a_ping())
    stamp = state.view("lagos", 7).stamp

    assert state.view("lagos", 7, since=stamp.rev + ahead, epoch=epoch or stamp.epoch).since == 0


def test_a_revision_older_than_the_tombstones_gets_everything(state: LiveState):
    apply(state, a_ping())
    stamp = state.view("lagos", 7).stamp
    apply(state, a_ping(sampled_at=NOW + 1, position=IKEJA))
    for age in range(3):
        tick(state, NOW + TTL + age * TOMBSTONE_MS)

    resumed = state.view("lagos", 7, since=stamp.rev, epoch=stamp.epoch)

    assert 0 == resumed.since
    assert {} == resumed.cells


def test_a_state_that_was_lost_is_born_again_under_another_epoch(state: LiveState, client: redis.Redis):
    apply(state, a_ping())
    before = state.view("lagos", 7).stamp.epoch
    client.flushall()
    apply(state, a_ping(sampled_at=NOW + 1))

    assert before != state.view("lagos", 7).stamp.epoch
    assert state.check(["lagos"])["lagos"].exact


def test_other_precisions_count_the_same_drivers(state: LiveState, client: redis.Redis):
    apply(state, a_ping())
    others = LiveState(client, (4, 8))
    apply(others, a_ping("driver-2"))

    assert {cell_of(*LAGOS, 4): 2} == cells(others, 4)
    assert others.check(["lagos"])["lagos"].exact


def test_a_recount_repairs_wrong_counts(state: LiveState, client: redis.Redis):
    apply(state, a_ping())
    client.hincrby("{lagos}:n:7", cell_of(*LAGOS, 7), 5)
    assert not state.check(["lagos"])["lagos"].exact

    state.recount("lagos")

    assert state.check(["lagos"])["lagos"].exact
    assert {cell_of(*LAGOS, 7): 1} == cells(state)


def test_a_tick_tells_what_changed_where_somebody_watches(state: LiveState):
    apply(state, a_ping())
    base = state.watch(WHOLE_LAGOS, "connection-1", JSON).stamp.rev
    apply(state, a_ping(sampled_at=NOW + 1, position=IKEJA))

    [changes] = tick(state, NOW + TICK)["lagos"].changes

    assert {cell_of(*LAGOS, 7): 0, cell_of(*IKEJA, 7): 1} == changes.cells
    assert {WHOLE_LAGOS.extent: base} == changes.viewports


@pytest.mark.parametrize("precision", PRECISIONS)
def test_where_few_watch_a_tick_tells_only_what_changed_there(state: LiveState, precision: int):
    chance = Random(precision)

    def somewhere() -> tuple[float, float]:
        return chance.uniform(6.3, 6.7), chance.uniform(3.1, 3.7)

    places = [somewhere() for _ in range(5)]
    watched = [
        viewport("lagos", precision, BBox(lat, lon, lat + 0.05, lon + 0.08), cities(), PRECISIONS)
        for lat, lon in places
    ]
    for each in watched:
        state.watch(each, "connection-1", JSON)
    positions = [somewhere() for _ in range(300)]
    apply(state, *[a_ping(f"driver-{n}", position=position) for n, position in enumerate(positions)])

    [changes] = tick(state, NOW + TICK)["lagos"].changes

    expected = {
        cell: n for cell, n in cells(state, precision).items() if any(each.tiles.holds(cell[:-2]) for each in watched)
    }
    assert expected == changes.cells


def test_where_many_watch_a_tick_tells_all_of_them_what_changed(state: LiveState):
    for n in range(20):
        south = 6.4 + n / 100
        watched = viewport("lagos", 7, BBox(south, 3.3, south + 0.02, 3.4), cities(), PRECISIONS)
        state.watch(watched, "connection-1", JSON)
    apply(state, a_ping(), a_ping("driver-2", position=IKEJA))

    [changes] = tick(state, NOW + TICK)["lagos"].changes

    assert {cell_of(*LAGOS, 7): 1, cell_of(*IKEJA, 7): 1}.items() <= changes.cells.items()


def test_what_was_sent_is_not_told_again_and_the_next_frame_builds_on_it(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    apply(state, a_ping())
    first = tick(state, NOW + TICK)["lagos"]
    state.note_sent(1, {"lagos": Sent(first.stamp, {7: [WHOLE_LAGOS.extent]})})
    assert [{}] == [changes.cells for changes in tick(state, NOW + 2 * TICK)["lagos"].changes]
    apply(state, a_ping("driver-2"))

    [changes] = tick(state, NOW + 3 * TICK)["lagos"].changes

    assert {WHOLE_LAGOS.extent: first.stamp.rev} == changes.viewports


def test_a_viewport_that_was_sent_nothing_still_builds_on_its_last_frame(state: LiveState):
    base = state.watch(WHOLE_LAGOS, "connection-1", JSON).stamp.rev
    apply(state, a_ping())
    first = tick(state, NOW + TICK)["lagos"]
    state.note_sent(1, {"lagos": Sent(first.stamp, {7: []})})

    [changes] = tick(state, NOW + 2 * TICK)["lagos"].changes

    assert {WHOLE_LAGOS.extent: base} == changes.viewports


def test_a_viewport_whose_last_viewer_left_before_its_frame_was_noted_stays_forgotten(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    state.watch(STREET, "connection-2", JSON)
    apply(state, a_ping())
    first = tick(state, NOW + TICK)["lagos"]
    state.unwatch([WHOLE_LAGOS], "connection-1")

    state.note_sent(1, {"lagos": Sent(first.stamp, {7: [WHOLE_LAGOS.extent], 8: [STREET.extent]})})

    assert [8] == [changes.precision for changes in tick(state, NOW + 2 * TICK)["lagos"].changes]


def test_what_was_not_noted_as_sent_is_told_again(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    apply(state, a_ping())

    first, second = (tick(state, NOW + n * TICK)["lagos"].changes for n in (1, 2))

    assert first == second


def test_where_nobody_watches_nothing_is_told(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    state.unwatch([WHOLE_LAGOS], "connection-1")
    apply(state, a_ping())

    assert [] == tick(state, NOW + TICK)["lagos"].changes


def test_a_viewport_is_watched_until_its_last_viewer_leaves(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    state.watch(WHOLE_LAGOS, "connection-2", JSON)
    state.unwatch([WHOLE_LAGOS], "connection-1")

    assert [{JSON: ["connection-2"]}] == state.viewers([WHOLE_LAGOS])


def test_viewers_are_told_apart_by_the_encoding_they_asked_for_last(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    state.watch(WHOLE_LAGOS, "connection-2", JSON)
    state.watch(WHOLE_LAGOS, "connection-2", Encoding.DEFLATE)

    assert [{JSON: ["connection-1"], Encoding.DEFLATE: ["connection-2"]}] == state.viewers([WHOLE_LAGOS])


def test_viewers_are_found_however_many_viewports_of_however_many_cities_are_asked_for(state: LiveState):
    nairobi = viewport("nairobi", 7, None, cities(), PRECISIONS)
    unwatched = [STREET] * VIEWPORTS_PER_CALL
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    state.watch(nairobi, "connection-2", JSON)

    viewers = state.viewers([nairobi, *unwatched, WHOLE_LAGOS])

    assert [{JSON: ["connection-2"]}, *[{}] * len(unwatched), {JSON: ["connection-1"]}] == viewers


def test_the_finest_precision_is_counted_while_somebody_watches_it(state: LiveState):
    apply(state, a_ping())
    assert [4, 5, 6, 7] == list(state.check(["lagos"])["lagos"].sums)

    state.watch(STREET, "connection-1", JSON)
    apply(state, a_ping("driver-2"), a_ping(sampled_at=NOW + 1, position=IKEJA))

    found = state.check(["lagos"])["lagos"]
    assert (True, 2) == (found.exact, found.sums[8])
    assert {cell_of(*LAGOS, 8): 1, cell_of(*IKEJA, 8): 1} == cells(state, 8)


def test_the_finest_precision_is_told_as_the_others_are(state: LiveState):
    apply(state, a_ping())
    stamp = state.watch(STREET, "connection-1", JSON).stamp
    apply(state, a_ping("driver-2"))

    [changes] = tick(state, NOW + TICK)["lagos"].changes

    assert ({cell_of(*LAGOS, 8): 2}, {STREET.extent: stamp.rev}) == (changes.cells, changes.viewports)
    assert stamp.rev == state.view("lagos", 8, stamp.rev, stamp.epoch).since


def test_a_minute_after_the_last_viewer_has_left_the_finest_precision_is_not_counted_any_more(
    state: LiveState, client: redis.Redis
):
    state.watch(STREET, "connection-1", JSON)
    apply(state, a_ping())
    state.unwatch([STREET], "connection-1")
    tick(state, NOW)
    tick(state, NOW + LINGER - TICK)
    assert 8 in counted(state)

    tick(state, NOW + LINGER)

    assert [4, 5, 6, 7] == counted(state)
    assert [] == client.keys("{lagos}:[nr]:8")


def test_a_viewer_who_is_back_within_the_minute_resumes_and_is_told_only_what_changed_since_the_last_tick(
    state: LiveState,
):
    apply(state, a_ping())
    stamp = state.watch(STREET, "connection-1", JSON).stamp
    state.unwatch([STREET], "connection-1")
    apply(state, a_ping(sampled_at=NOW + 1, position=IKEJA))
    tick(state, NOW + TICK)

    view = state.watch(STREET, "connection-1", JSON, stamp.rev, stamp.epoch)

    assert (stamp.rev, {cell_of(*LAGOS, 8): 0, cell_of(*IKEJA, 8): 1}) == (view.since, view.cells)
    assert [{}] == [changes.cells for changes in tick(state, NOW + 2 * TICK)["lagos"].changes]


def test_a_reader_has_the_finest_precision_counted_until_a_minute_after_the_last_one(state: LiveState):
    apply(state, a_ping())
    for now in (NOW, NOW + LINGER - TICK, NOW + 2 * (LINGER - TICK)):
        assert {cell_of(*LAGOS, 8): 1} == cells(state, 8)
        apply(state, a_ping(sampled_at=now))
        tick(state, now)
        assert 8 in counted(state)

    tick(state, NOW + 2 * (LINGER - TICK) + LINGER)

    assert 8 not in counted(state)


def test_what_a_reader_of_the_finest_precision_has_can_be_gone_on_from(state: LiveState):
    apply(state, a_ping())
    stamp = state.view("lagos", 8).stamp
    apply(state, a_ping("driver-2"))

    later = state.view("lagos", 8, stamp.rev, stamp.epoch)

    assert (stamp.rev, {cell_of(*LAGOS, 8): 2}) == (later.since, later.cells)


def test_a_reader_of_a_city_without_drivers_leaves_no_trace(state: LiveState, client: redis.Redis):
    assert {} == cells(state, 8)

    assert [] == client.keys("*")


def test_a_viewer_from_before_a_pause_of_the_finest_precision_gets_everything(state: LiveState):
    apply(state, a_ping())
    stamp = state.watch(STREET, "connection-1", JSON).stamp
    state.unwatch([STREET], "connection-1")
    tick(state, NOW)
    tick(state, NOW + LINGER)
    apply(state, a_ping(sampled_at=NOW + LINGER, position=IKEJA))

    view = state.watch(STREET, "connection-1", JSON, stamp.rev, stamp.epoch)

    assert (0, {cell_of(*IKEJA, 8): 1}) == (view.since, view.cells)


def test_after_a_recount_the_finest_precision_is_counted_on_for_its_viewers(state: LiveState):
    apply(state, a_ping())
    state.watch(STREET, "connection-1", JSON)
    state.recount("lagos")
    tick(state, NOW + TICK)
    apply(state, a_ping("driver-2"))

    assert (True, {cell_of(*LAGOS, 8): 2}) == (state.check(["lagos"])["lagos"].exact, cells(state, 8))


def test_a_tick_is_made_once(state: LiveState):
    apply(state, a_ping())

    assert list(tick(state, NOW)) == ["lagos"]
    assert [] == list(tick(state, NOW))


def test_an_older_broadcaster_is_turned_away(state: LiveState):
    apply(state, a_ping())
    tick(state, NOW, token=2)

    with pytest.raises(StaleLease):
        tick(state, NOW + TICK, token=1)


def test_an_older_broadcaster_cannot_note_what_it_sent(state: LiveState):
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    apply(state, a_ping())
    old = tick(state, NOW, token=1)
    tick(state, NOW + TICK, token=2)

    state.note_sent(1, {"lagos": Sent(old["lagos"].stamp, {7: [WHOLE_LAGOS.extent]})})

    assert tick(state, NOW + 2 * TICK, token=2)["lagos"].changes[0].cells


def test_a_driver_that_crosses_into_another_city_is_counted_there_only(state: LiveState):
    apply(state, a_ping())
    apply(state, a_ping(sampled_at=NOW + 1, position=LONDON))

    assert ({}, {cell_of(*LONDON, 7): 1}) == (cells(state), cells(state, city="london"))


def test_a_late_ping_from_the_city_a_driver_has_left_does_not_bring_it_back_there(state: LiveState):
    apply(state, a_ping(sampled_at=NOW + 1, position=LONDON))
    apply(state, a_ping())

    assert ({}, {cell_of(*LONDON, 7): 1}) == (cells(state), cells(state, city="london"))


def test_a_crossing_that_was_cut_short_is_settled_with_the_next_batch(state: LiveState, client: redis.Redis):
    apply(state, a_ping())
    # What an aggregator has done that dies after counting the driver in London, before taking it out of Lagos.
    scripts = CityScripts(client, state.precisions)
    crossing = merged([decode(a_record(a_ping(sampled_at=NOW + 1, position=LONDON)))])
    Batch(client, scripts, NOW, b"", lambda city: 0).apply(crossing)
    assert (len(cells(state)), len(cells(state, city="london"))) == (1, 1)

    apply(state, a_ping("driver-2", position=LONDON))

    assert ({}, {cell_of(*LONDON, 7): 2}) == (cells(state), cells(state, city="london"))


def test_a_driver_gone_silent_is_at_home_nowhere(state: LiveState, client: redis.Redis):
    apply(state, a_ping())
    tick(state, NOW + TTL)

    assert {} == client.hgetall("homes")


def lose_the_answer_of_a_tick(state: LiveState, client: redis.Redis, now: int) -> None:
    """What is left of a tick whose connection broke after the script had run."""
    scripts = CityScripts(client, state.precisions)
    scripts.run("tick", [scripts.call("lagos", 1, now, now, now - TTL, TOMBSTONE_MS)])


def test_a_driver_gone_silent_in_a_tick_whose_answer_was_lost_is_at_home_nowhere_after_the_next(
    state: LiveState, client: redis.Redis
):
    apply(state, a_ping())
    lose_the_answer_of_a_tick(state, client, NOW + TTL)

    assert 1 == tick(state, NOW + TTL + TICK)["lagos"].swept
    assert {} == client.hgetall("homes")
    assert 0 == tick(state, NOW + TTL + 2 * TICK)["lagos"].swept


def test_a_driver_that_is_back_before_its_home_is_forgotten_has_one_again(state: LiveState, client: redis.Redis):
    apply(state, a_ping())
    lose_the_answer_of_a_tick(state, client, NOW + TTL)
    apply(state, a_ping(sampled_at=NOW + TTL + 1))
    tick(state, NOW + TTL + TICK)

    apply(state, a_ping("driver-2", sampled_at=NOW + TTL + TICK))
    assert {b"driver-1": b"lagos", b"driver-2": b"lagos"} == client.hgetall("homes")
    apply(state, a_ping(sampled_at=NOW + TTL + TICK, position=LONDON))

    assert ({cell_of(*LAGOS, 7): 1}, {cell_of(*LONDON, 7): 1}) == (cells(state), cells(state, city="london"))


def test_viewports_that_are_no_more_leave_nothing_behind(state: LiveState, client: redis.Redis):
    apply(state, a_ping(sampled_at=NOW + LINGER))
    tick(state, NOW)
    before = sorted(client.keys("*"))
    for watched in (WHOLE_LAGOS, STREET, viewport("lagos", 7, BBox(6.58, 3.33, 6.62, 3.37), cities(), PRECISIONS)):
        state.watch(watched, "connection-1", JSON)
        tick(state, NOW + TICK)
        state.unwatch([watched], "connection-1")
    tick(state, NOW + 2 * TICK)
    tick(state, NOW + 2 * TICK + LINGER)

    assert before == sorted(client.keys("*"))


class Interrupted(LiveState):
    """In which somebody begins to watch, and fails half-way, just when a quiet city is forgotten."""

    def _forget_quiet(self, cities: list[str]) -> None:
        if cities:
            self.watch(WHOLE_LAGOS, "connection-1", JSON)
        super()._forget_quiet(cities)


def test_a_city_that_somebody_begins_to_watch_while_it_is_forgotten_is_ticked_on(client: redis.Redis):
    state = Interrupted(client, PRECISIONS)
    apply(state, a_ping())
    tick(state, NOW + TTL)
    tick(state, NOW + QUIET_MS + TICK)

    assert ["lagos"] == state.cities()


def test_a_city_that_has_been_quiet_for_long_is_ticked_no_more(state: LiveState):
    apply(state, a_ping())
    tick(state, NOW + TTL)
    assert ["lagos"] == state.cities()

    tick(state, NOW + QUIET_MS + TICK)

    assert [] == state.cities()


def test_a_quiet_city_is_back_with_its_first_ping(state: LiveState):
    apply(state, a_ping())
    tick(state, NOW + TTL)
    tick(state, NOW + QUIET_MS + TICK)
    apply(state, a_ping(sampled_at=NOW + QUIET_MS + TICK))

    assert ["lagos"] == list(tick(state, NOW + QUIET_MS + 2 * TICK))
    assert state.check(["lagos"])["lagos"].exact


def test_more_viewports_than_one_call_takes_are_noted_all(state: LiveState, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adapters.live_state.EXTENTS_PER_CALL", 1)
    state.watch(WHOLE_LAGOS, "connection-1", JSON)
    state.watch(STREET, "connection-1", JSON)
    apply(state, a_ping())
    first = tick(state, NOW + TICK)["lagos"]

    state.note_sent(1, {"lagos": Sent(first.stamp, {7: [WHOLE_LAGOS.extent], 8: [STREET.extent]})})

    changes = tick(state, NOW + 2 * TICK)["lagos"].changes
    assert [{}, {}] == [each.cells for each in changes]
    assert [{WHOLE_LAGOS.extent: first.stamp.rev}, {STREET.extent: first.stamp.rev}] == [
        each.viewports for each in changes
    ]
