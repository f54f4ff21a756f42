"""The broadcaster's rounds on a real state, with a clock and queues of our own."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
import redis

from adapters.city_scripts import key
from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.publisher import Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from broadcast import broadcaster as module
from broadcast.broadcaster import MAX_ENDS, Broadcaster
from factories import LAGOS, NOW, TESTER, a_ping, a_record
from fakes.clock import FakeClock
from fakes.queue import FakeQueue
from heatmap.access import Principal, principal
from heatmap.cells import BBox, cell_of
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.records import decode
from heatmap.register import merged
from heatmap.viewports import Audience, viewport

TICK = 3_000
SETTINGS = BroadcastSettings(tick_ms=TICK, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=4_000)
WHOLE_LAGOS = viewport("lagos", 7, None, cities(), (4, 5, 6, 7, 8))
IKEJA = viewport("lagos", 7, BBox(6.58, 3.33, 6.62, 3.37), cities(), (4, 5, 6, 7, 8))
START = NOW - NOW % TICK


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + 100)


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def a_broadcaster(
    state: LiveState, client: redis.Redis, clock: FakeClock, queue: FakeQueue
) -> Callable[[], Broadcaster]:
    return lambda: Broadcaster(
        state, Publisher(state, 3), Lease(client), Registry(client), queue, SETTINGS, clock, clock.sleep
    )


def ping(state: LiveState, clock: FakeClock, driver_id: str = "driver-1") -> None:
    record = decode(a_record(a_ping(driver_id, clock.now)))
    state.apply(merged([record]), record.received_at)


def test_ticks_are_made_at_whole_multiples_of_their_length(a_broadcaster, state, clock, queue):
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    made_at = []
    broadcaster = a_broadcaster()
    tick = broadcaster.tick

    def noted(token: int, due_at: int) -> None:
        made_at.append(clock.now)
        tick(token, due_at)

    broadcaster.tick = noted

    assert broadcaster.run(until=START + 60_000) == 20
    assert [START + n * TICK for n in range(1, 21)] == made_at


def test_ticks_go_on_when_their_length_is_changed(state, client, clock, queue):
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    state.watch(WHOLE_LAGOS.seen_by(Audience.PUBLIC), "viewer-2", Encoding.JSON)
    heard = []
    for length in (3_000, 5_000, 3_000):
        clock.now += SETTINGS.driver_ttl_ms
        ping(state, clock, f"driver-{clock.now}")
        settings = replace(SETTINGS, tick_ms=length)
        Broadcaster(
            state, Publisher(state, 3), Lease(client), Registry(client), queue, settings, clock, clock.sleep
        ).run(until=clock.now + length)
        live = state.check(["lagos"])["lagos"].stamp.live
        heard.append((live, len(queue.messages("viewer-1")), len(queue.messages("viewer-2"))))
        queue.take_messages("")

    assert [(1, 1, 1)] * 3 == heard


@pytest.mark.parametrize("audience", Audience)
def test_a_version_that_has_numbers_of_ticks_may_come_before_and_after(
    a_broadcaster, state, client, clock, queue, audience
):
    state.watch(WHOLE_LAGOS.seen_by(audience), "viewer-1", Encoding.JSON)
    meta, number = key("lagos", "meta", audience), START // 1_000
    client.hset(meta, "tick", number)

    a_broadcaster().run(until=START + TICK)

    assert 1 == len(queue.messages("viewer-1"))
    # It would take a greater one for its own, and wait for it to come.
    assert number == int(client.hget(meta, "tick"))


def test_a_viewer_gets_what_changed_in_its_viewport(a_broadcaster, state, clock, queue):
    ping(state, clock)
    rev = state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON).stamp.rev
    ping(state, clock, "driver-2")

    a_broadcaster().run(until=START + TICK)

    [delta] = queue.take_messages("viewer-1")
    cell = cell_of(*LAGOS, 7)
    assert ("delta", {cell[:5]: {cell[5:]: 2}}, rev) == (delta["type"], delta["tiles"], delta["prev"])


def test_each_message_builds_on_the_one_before(a_broadcaster, state, clock, queue):
    rev = state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON).stamp.rev
    broadcaster = a_broadcaster()
    sleep = clock.sleep

    def sleep_and_ping(milliseconds: int) -> None:
        sleep(milliseconds)
        if clock.now < START + 4 * TICK:
            ping(state, clock, f"driver-{clock.now}")

    broadcaster.sleep = sleep_and_ping
    broadcaster.run(until=START + 9 * TICK)

    messages = queue.take_messages("viewer-1")
    assert ["delta"] * 3 + ["heartbeat"] == [message["type"] for message in messages]
    assert [rev, *(message["rev"] for message in messages[:-1])] == [message["prev"] for message in messages]


def test_each_viewer_gets_the_encoding_it_asked_for(a_broadcaster, state, clock, queue):
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    state.watch(WHOLE_LAGOS, "viewer-2", Encoding.DEFLATE)
    ping(state, clock)

    a_broadcaster().run(until=START + TICK)

    [plain], [deflated] = queue.messages("viewer-1"), queue.messages("viewer-2")
    assert ({"tiles"}, {"packed"}) == (plain.keys() - deflated.keys(), deflated.keys() - plain.keys())


def test_a_viewport_in_which_nothing_changed_gets_no_frame(a_broadcaster, state, clock, queue):
    state.watch(IKEJA, "viewer-1", Encoding.JSON)
    ping(state, clock)

    a_broadcaster().run(until=START + 4 * TICK)

    # One heartbeat: a broadcaster that is new here does not know for how long there was nothing.
    assert ["heartbeat"] == [message["type"] for message in queue.take_messages("viewer-1")]


def test_without_a_change_a_viewer_gets_heartbeats(a_broadcaster, state, clock, queue):
    state.watch(IKEJA, "viewer-1", Encoding.JSON)

    a_broadcaster().run(until=START + 33_000)

    heartbeats = queue.take_messages("viewer-1")
    assert [("heartbeat", IKEJA.subscription)] * 3 == [(each["type"], each["subscription"]) for each in heartbeats]
    assert [15_000, 15_000] == gaps_ms(heartbeats)


def test_a_change_of_broadcasters_keeps_no_viewer_without_a_heartbeat(a_broadcaster, state, clock, queue):
    state.watch(IKEJA, "viewer-1", Encoding.JSON)
    a_broadcaster().run(until=START + 27_000)

    a_broadcaster().run(until=START + 60_000)

    assert max(gaps_ms(queue.take_messages("viewer-1"))) <= SETTINGS.heartbeat_ms


def test_a_heartbeat_that_the_queue_did_not_take_goes_with_the_next_tick(a_broadcaster, state, clock, queue):
    state.watch(IKEJA, "viewer-1", Encoding.JSON)
    broadcaster = a_broadcaster()
    queue.is_down = True
    broadcaster.run(until=START + TICK)
    queue.is_down = False

    broadcaster.run(until=START + 2 * TICK)

    assert ["heartbeat"] == [message["type"] for message in queue.take_messages("viewer-1")]


def test_a_new_epoch_that_the_queue_did_not_take_goes_with_the_next_tick(a_broadcaster, state, clock, queue):
    ping(state, clock)
    state.watch(IKEJA, "viewer-1", Encoding.JSON)
    broadcaster = a_broadcaster()
    broadcaster.run(until=START + TICK)
    [before] = queue.take_messages("viewer-1")
    state.recount("lagos")
    queue.is_down = True
    broadcaster.run(until=START + 2 * TICK)
    queue.is_down = False

    broadcaster.run(until=START + 3 * TICK)

    [heartbeat] = queue.take_messages("viewer-1")
    assert before["epoch"] != heartbeat["epoch"]


def gaps_ms(messages: list[dict[str, Any]]) -> list[int]:
    """Between each message and the next, by when they were made."""
    moments = [datetime.fromisoformat(message["as_of"]) for message in messages]
    return [round((later - earlier).total_seconds() * 1000) for earlier, later in pairwise(moments)]


def test_more_viewers_than_may_be_posted_to_in_a_second_are_served_over_the_seconds_until_the_next_tick(
    state, client, clock, queue
):
    broadcaster = Broadcaster(
        state,
        Publisher(state, 3),
        Lease(client),
        Registry(client),
        queue,
        replace(SETTINGS, posts_per_second=10),
        clock,
        clock.sleep,
    )
    for n in range(45):
        state.watch(WHOLE_LAGOS, f"viewer-{n}", Encoding.JSON)
    ping(state, clock)

    broadcaster.run(until=START + TICK)

    assert [10, 10, 25] == [posts for _, posts in sorted(queue.posts_by_delay().items())]


def test_without_viewers_nothing_is_sent(a_broadcaster, state, clock, queue):
    ping(state, clock)

    a_broadcaster().run(until=START + TICK)

    assert [] == queue.bodies


def test_a_driver_that_falls_silent_goes_out_of_the_picture(a_broadcaster, state, clock, queue):
    ping(state, clock)
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)

    a_broadcaster().run(until=START + 33_000)

    [last] = [message for message in queue.take_messages("viewer-1") if message["type"] == "delta"]
    cell = cell_of(*LAGOS, 7)
    assert {cell[:5]: {cell[5:]: 0}} == last["tiles"]


def test_a_tick_that_took_too_long_skips_the_beats_it_missed(a_broadcaster, state, clock, queue):
    broadcaster = a_broadcaster()
    made = []

    def slow(_token: int, due_at: int) -> None:
        made.append((due_at - START) // TICK)
        clock.now += 7_000 if len(made) == 1 else 10

    broadcaster.tick = slow
    broadcaster.run(until=START + 15_000)

    assert made == [1, 3, 4, 5]


def test_a_new_broadcaster_takes_over_without_a_gap_or_a_double_tick(a_broadcaster, state, clock, queue):
    ping(state, clock)
    old, new = a_broadcaster(), a_broadcaster()
    made: list[tuple[str, int]] = []

    def noted(name: str, broadcaster: Broadcaster) -> Callable[[int, int], None]:
        tick = broadcaster.tick

        def noting(token: int, due_at: int) -> None:
            tick(token, due_at)
            made.append((name, (due_at - START) // TICK))

        return noting

    old.tick, new.tick = noted("old", old), noted("new", new)
    sleep = clock.sleep

    def sleep_and_wake_the_next(milliseconds: int) -> None:
        # The next invocation comes while the old broadcaster sleeps towards its fourth tick.
        sleep(milliseconds)
        if clock.now == START + 4 * TICK and made[-1:] == [("old", 3)]:
            clock.now -= 500
            new.run(until=START + 6 * TICK)

    old.sleep = sleep_and_wake_the_next
    old.run(until=START + 6 * TICK)

    assert made == [("old", 1), ("old", 2), ("old", 3), ("new", 4), ("new", 5), ("new", 6)]


def test_frames_that_the_queue_did_not_take_go_with_the_next_tick(a_broadcaster, state, clock, queue):
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    ping(state, clock)
    queue.is_down = True
    broadcaster = a_broadcaster()
    sleep = clock.sleep

    def sleep_and_recover(milliseconds: int) -> None:
        sleep(milliseconds)
        queue.is_down = clock.now < START + 2 * TICK

    broadcaster.sleep = sleep_and_recover
    broadcaster.run(until=START + 2 * TICK)

    [delta] = queue.take_messages("viewer-1")
    assert {cell_of(*LAGOS, 5)} == set(delta["tiles"])


def test_after_a_rebirth_every_viewer_hears_of_the_new_epoch(a_broadcaster, state, client, clock, queue):
    ping(state, clock)
    before = state.watch(IKEJA, "viewer-1", Encoding.JSON).stamp.epoch
    broadcaster = a_broadcaster()
    broadcaster.run(until=START + TICK)
    queue.take_messages("viewer-1")
    state.recount("lagos")

    broadcaster.run(until=START + 2 * TICK)

    [heartbeat] = queue.take_messages("viewer-1")
    assert before != heartbeat["epoch"]


def test_of_a_city_that_is_no_more_nothing_is_remembered(a_broadcaster, state, client, clock, queue):
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    broadcaster = a_broadcaster()
    broadcaster.run(until=START + TICK)
    assert {WHOLE_LAGOS.subscription} == broadcaster._told[Audience.EXACT].sent_at.keys()
    client.flushall()

    broadcaster.run(until=START + 2 * TICK)

    told = broadcaster._told[Audience.EXACT]
    assert ({}, {}) == (told.sent_at, told.epochs)


def somebody_until(expires_at: int) -> Principal:
    return principal(TESTER | {"expires_at": str(expires_at)})


def test_connections_whose_token_is_over_are_closed_at_the_next_tick(a_broadcaster, client, clock, queue):
    registry = Registry(client, clock)
    registry.add("first", somebody_until(clock.now + TICK + 1))
    registry.add("second", somebody_until(clock.now + 10 * TICK))

    a_broadcaster().run(until=START + TICK)
    assert [] == queue.bodies
    a_broadcaster().run(until=START + 2 * TICK)

    assert [["first"]] == queue.ends()


def test_one_that_is_not_closed_is_asked_for_again_half_a_minute_later(a_broadcaster, client, clock, queue):
    Registry(client, clock).add("first", somebody_until(clock.now))

    a_broadcaster().run(until=START + 11 * TICK)

    assert [["first"], ["first"]] == queue.ends()


def test_when_the_queue_is_down_it_is_asked_for_at_the_next_tick(a_broadcaster, client, clock, queue):
    Registry(client, clock).add("first", somebody_until(clock.now))
    queue.is_down = True
    a_broadcaster().run(until=START + TICK)

    queue.is_down = False
    a_broadcaster().run(until=START + 2 * TICK)

    assert [["first"]] == queue.ends()


def test_of_very_many_some_are_closed_in_each_tick(a_broadcaster, client, clock, queue):
    registry = Registry(client, clock)
    for number in range(MAX_ENDS + 1):
        registry.add(f"connection-{number}", somebody_until(clock.now))

    a_broadcaster().run(until=START + TICK)
    in_the_first = [connection for ends in queue.ends() for connection in ends]
    a_broadcaster().run(until=START + 2 * TICK)

    assert MAX_ENDS == len(in_the_first) == len(set(in_the_first))
    assert MAX_ENDS + 1 == len({connection for ends in queue.ends() for connection in ends})


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was counted, and how often that was written out."""
    counted: Counter[str] = Counter()
    monkeypatch.setattr(module, "count", lambda name, value=1: counted.update({name: value}))
    monkeypatch.setattr(module, "flush", lambda: counted.update({"flushes": 1}))
    return counted


def test_a_tick_whose_endings_the_queue_does_not_take_has_not_failed(a_broadcaster, client, clock, queue, counted):
    # Without viewers there is nothing else to be put on it.
    Registry(client, clock).add("first", somebody_until(clock.now))
    queue.is_down = True

    assert 1 == a_broadcaster().run(until=START + TICK)
    assert (1, 0, 1) == (counted["ticks"], counted["ticks_failed"], counted["unavailable"])


def test_metrics_of_an_outage_are_written_while_it_lasts(a_broadcaster, state, clock, queue, counted):
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    queue.is_down = True

    a_broadcaster().run(until=START + 3 * TICK)

    assert (0, 3, 3) == (counted["ticks"], counted["ticks_failed"], counted["flushes"])


def test_connections_that_are_closed_take_the_place_of_posts(state, client, clock, queue):
    registry = Registry(client, clock)
    for n in range(9):
        registry.add(f"overdue-{n}", somebody_until(clock.now))
    for n in range(8):
        state.watch(WHOLE_LAGOS, f"viewer-{n}", Encoding.JSON)
    settings = replace(SETTINGS, posts_per_second=10)

    Broadcaster(state, Publisher(state, 3), Lease(client), registry, queue, settings, clock, clock.sleep).run(
        until=START + TICK
    )

    assert [5] == [len(ends) for ends in queue.ends()]
    assert {0: 5, 1: 3} == {delay_s: posts for delay_s, posts in queue.posts_by_delay().items() if posts}
