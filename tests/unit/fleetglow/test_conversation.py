import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.heat_server import FakeHeatServer
from fleetglow.backoff import Backoff
from fleetglow.conversation import Conversation
from fleetglow.errors import Refused
from fleetglow.feed import Feed
from fleetglow.outstanding import Patience, Unanswered
from fleetglow.protocol import Ack, Encoding
from heatmap.cells import BBox, cell_of
from heatmap.cities import Cities, City

BOX = (6.42, 3.38, 6.47, 3.43)
CELL, OTHER = "s14ks00", "s14kt2x"
INTERNAL_ERROR = '{"message": "Internal server error", "connectionId": "c", "requestId": "r"}'


class Talk:
    """A conversation with a server, letter by letter, on a clock that the test moves.

    Attributes:
        said: all that the client said, as JSON.
    """

    def __init__(self) -> None:
        self.server = FakeHeatServer()
        self.client = Conversation(Patience(again=Backoff(1, 30, Random(1))))
        self.now = 1000.0
        self.said: list[dict[str, Any]] = []
        self.connect()

    def connect(self) -> None:
        self.connection = self.server.connect()
        self.client.open(self.now)

    def drop(self) -> None:
        self.client.close()

    def watch(self, city: str = "lagos", bbox: Any = BOX, encoding: Encoding = "json") -> Feed:
        feed = Feed(city, 7, bbox, encoding, lambda: None, heartbeats_missed=1.5)
        self.client.watch(feed, self.now)
        return feed

    def ask(self) -> list[str]:
        """What the server answers to all that the client has to say."""
        answers: list[str] = []
        while self.client.outgoing:
            text = self.client.outgoing.popleft()
            self.said.append(json.loads(text))
            answers += self.server.answer(self.connection, text)
        return answers

    def hear(self, *texts: str) -> None:
        for text in texts:
            self.client.receive(text, self.now, self.server.clock())

    def settle(self) -> None:
        """Let both talk until nobody has anything to say."""
        while answers := self.ask():
            self.hear(*answers)

    def tick(self, city: str = "lagos") -> list[str]:
        return [text for _, texts in self.server.tick(city, [self.connection], heartbeats=True) for text in texts]

    def wait(self, seconds: float) -> None:
        """Let time pass, and have what is due seen to."""
        until = self.now + seconds
        while (due := self.client.due()) <= until:
            self.now = max(self.now, due)
            self.client.check(self.now)
        self.now = until


@pytest.fixture
def talk() -> Talk:
    return Talk()


def said(talk: Talk, action: str) -> list[dict[str, Any]]:
    talk.ask()
    return [each for each in talk.said if each["action"] == action]


def test_a_viewport_is_subscribed_to_and_shown(talk: Talk):
    talk.server.change("lagos", {CELL: 3})
    feed = talk.watch(encoding="deflate")
    talk.settle()

    assert {CELL: 3} == feed.state.cells
    assert [("lagos", list(BOX), "deflate")] == [(s["city"], s["bbox"], s["encoding"]) for s in talk.said]
    assert ("lagos/7/s14ks-s14ky", 15.0) == (feed.subscription, feed.heartbeat_s)


def test_below_which_count_cells_are_hidden_is_known_from_the_ack(talk: Talk):
    feed = talk.watch()
    before = feed.min_cell_drivers
    talk.server.min_cell_drivers = 3
    talk.settle()

    assert (1, 3) == (before, feed.min_cell_drivers)


def test_several_viewports_share_a_connection(talk: Talk):
    lagos, nairobi = talk.watch(), talk.watch("nairobi", None)
    talk.settle()
    talk.server.change("lagos", {CELL: 3})
    talk.server.change("nairobi", {"kzf0tv5": 7})
    talk.hear(*talk.tick("nairobi"), *talk.tick("lagos"))

    assert ({CELL: 3}, {"kzf0tv5": 7}) == (lagos.state.cells, nairobi.state.cells)


def test_what_is_watched_without_a_connection_is_subscribed_to_on_the_next(talk: Talk):
    talk.drop()
    talk.watch()

    assert [] == said(talk, "subscribe")
    talk.connect()
    assert 1 == len(said(talk, "subscribe"))


def test_a_frame_may_come_before_the_ack_that_tells_whose_it_is(talk: Talk):
    talk.server.change("lagos", {CELL: 3})
    feed = talk.watch()
    ack, snapshot = talk.ask()
    talk.hear(snapshot, ack)

    assert {CELL: 3} == feed.state.cells
    assert not talk.client.outgoing


def test_a_gap_is_asked_about_once(talk: Talk):
    feed = talk.watch()
    talk.settle()
    for n in (1, 2, 3):
        talk.server.change("lagos", {CELL: n})
        frame = talk.tick()
        if n > 1:
            talk.hear(*frame)

    assert [None, {"epoch": "e1", "rev": 1}] == [each.get("since") for each in said(talk, "subscribe")]
    assert (1, 1) == (feed.state.gaps, feed.resumes)


def test_a_gap_that_is_still_there_after_the_answer_is_asked_about_at_once(talk: Talk):
    feed = talk.watch()
    talk.settle()
    talk.server.change("lagos", {CELL: 1})
    talk.tick()
    talk.server.change("lagos", {CELL: 2})
    talk.hear(*talk.tick())
    answer = talk.ask()
    talk.server.change("lagos", {CELL: 3})
    talk.tick()
    talk.server.change("lagos", {CELL: 4})
    talk.hear(*talk.tick(), *answer)
    talk.settle()

    assert {CELL: 4} == feed.state.cells
    assert [None, 1, 3] == [each.get("since", {}).get("rev") for each in said(talk, "subscribe")]


def test_a_state_born_anew_is_asked_for_whole_and_once(talk: Talk):
    feed = talk.watch()
    talk.settle()
    talk.server.lose_state()
    talk.server.change("lagos", {OTHER: 5})
    talk.hear(*talk.tick(), *talk.tick())

    assert [None, None] == [each.get("since") for each in said(talk, "subscribe")]
    talk.drop()
    talk.connect()
    talk.settle()
    assert ({OTHER: 5}, "e2") == (feed.state.cells, feed.state.epoch)


def test_stragglers_of_the_old_state_are_no_answer_to_the_question_for_the_new_one(talk: Talk):
    talk.watch()
    talk.settle()
    stragglers = []
    for n in (1, 2):
        talk.server.change("lagos", {CELL: n})
        stragglers += talk.tick()
    talk.server.lose_state()
    talk.hear(*talk.tick(), *stragglers)

    assert 2 == len(said(talk, "subscribe"))


def test_after_a_lost_connection_every_viewport_is_resumed(talk: Talk):
    feeds = [talk.watch(), talk.watch("nairobi", None)]
    talk.settle()
    talk.drop()
    talk.server.change("lagos", {CELL: 3})
    talk.connect()
    talk.settle()

    assert [{CELL: 3}, {}] == [feed.state.cells for feed in feeds]
    assert [1, 1] == [each["since"]["rev"] for each in talk.said[2:]]
    assert [(1, 0), (1, 0)] == [(feed.resumes, feed.state.gaps) for feed in feeds]


def test_a_silent_viewport_is_subscribed_to_again_on_the_same_connection(talk: Talk):
    talk.server.heartbeat_seconds = 4
    silent, heard = talk.watch(), talk.watch("nairobi", None)
    talk.settle()
    for _ in range(3):
        talk.wait(3.0)
        talk.hear(*talk.tick("nairobi"))

    assert (1, 0) == (silent.resumes, heard.resumes)


def test_silence_is_counted_from_the_last_message_however_old_its_news(talk: Talk):
    feed = talk.watch()
    talk.settle()
    for _ in range(5):
        talk.wait(20)
        talk.hear(*talk.tick())

    assert 0 == feed.resumes


def test_what_is_unanswered_for_five_seconds_is_a_dead_connection(talk: Talk):
    talk.watch()
    talk.ask()
    talk.wait(4.9)

    with pytest.raises(Unanswered):
        talk.wait(0.2)


def test_after_each_connection_without_an_answer_the_client_waits_twice_as_long(talk: Talk):
    talk.watch()
    waits = []
    for _ in range(6):
        talk.client.outgoing.clear()
        started = talk.now
        with pytest.raises(Unanswered):
            talk.wait(100)
        waits.append(talk.now - started)
        talk.drop()
        talk.connect()

    assert [5, 10, 20, 40, 40, 40] == waits


def test_an_answer_makes_the_client_impatient_again(talk: Talk):
    talk.watch()
    with pytest.raises(Unanswered):
        talk.wait(100)
    talk.drop()
    talk.connect()
    talk.settle()
    talk.drop()
    talk.connect()
    started = talk.now

    with pytest.raises(Unanswered):
        talk.wait(100)

    assert 5 == talk.now - started


def test_viewers_who_fall_silent_together_do_not_ask_together():
    feeds = [Feed("lagos", 7, BOX, "json", lambda: None) for _ in range(1_000)]

    moments = sorted(feed.silent_from for feed in feeds)
    assert 22.5 <= moments[0] < 24
    assert 36 < moments[-1] <= 37.5


def test_a_silent_viewport_on_a_dead_connection_takes_the_connection_with_it(talk: Talk):
    talk.watch()
    talk.settle()

    with pytest.raises(Unanswered):
        talk.wait(1.5 * 15 + 5.1)


def test_a_frame_that_was_lost_after_its_ack_is_asked_for_again_ever_more_slowly(talk: Talk):
    feed = talk.watch()
    moments = []
    for _ in range(500):
        if answers := talk.ask():
            moments.append(talk.now)
            talk.hear(answers[0])
        talk.wait(0.5)

    waits = [round(later - earlier) for earlier, later in pairwise(moments)]
    assert [5, 10, 20, 40, 40, 40, 40, 40] == waits[:8]
    talk.hear(*talk.server.answer(talk.connection, json.dumps(talk.said[-1]))[1:])
    assert not feed.state.is_behind


def test_a_connection_on_which_frames_come_is_not_dead_for_want_of_an_ack(talk: Talk):
    feed = talk.watch()
    talk.settle()
    talk.server.change("lagos", {CELL: 1})
    talk.tick()
    for n in (2, 3):
        talk.server.change("lagos", {CELL: n})
        talk.hear(*talk.tick())
    talk.ask()
    talk.wait(5.1)
    talk.settle()

    assert {CELL: 3} == feed.state.cells
    assert 3 == len(talk.said)


def test_the_parts_of_a_large_snapshot_may_take_their_time(talk: Talk):
    talk.server.parts = 4
    feed = talk.watch()
    ack, *parts = talk.ask()
    talk.hear(ack)
    for part in parts:
        talk.wait(4)
        talk.hear(part)

    assert (1, 1) == (feed.state.frames, len(said(talk, "subscribe")))


@pytest.mark.parametrize("code", ["unavailable", "expired"])
def test_what_the_server_could_not_do_is_said_again_later(talk: Talk, code: str):
    feed = talk.watch()
    talk.client.outgoing.clear()
    talk.hear(json.dumps({"type": "error", "action": "subscribe", "id": "1", "code": code, "message": "…"}))
    talk.wait(0.9)
    assert [] == said(talk, "subscribe")

    talk.wait(1.2)
    talk.settle()

    assert ["2"] == [each["id"] for each in talk.said]
    assert feed.refusal is None
    assert not feed.state.is_behind


def test_api_gateways_own_refusal_is_taken_for_the_message_that_waits_longest(talk: Talk):
    feeds = [talk.watch(), talk.watch("nairobi", None)]
    _, _, *second = talk.ask()
    talk.hear(INTERNAL_ERROR, *second)
    talk.wait(2.5)
    talk.settle()

    assert ["lagos", "nairobi", "lagos"] == [each["city"] for each in talk.said]
    assert [False, False] == [feed.state.is_behind for feed in feeds]


def test_a_refusal_ends_that_viewport_and_no_other(talk: Talk):
    refused, other = talk.watch("atlantis", None), talk.watch()
    talk.settle()
    talk.wait(10)
    talk.drop()
    talk.connect()
    talk.settle()

    assert "city: expected one of lagos" in str(refused.refusal)
    assert (None, False) == (other.refusal, other.state.is_behind)
    assert ["atlantis", "lagos", "lagos"] == [each["city"] for each in talk.said]


def test_the_seventeenth_viewport_is_refused(talk: Talk):
    corners = [(6.4 + 0.1 * (n % 3), 3.15 + 0.1 * (n // 3)) for n in range(17)]
    feeds = [talk.watch(bbox=(south, west, south + 0.001, west + 0.001)) for south, west in corners]
    talk.settle()

    assert [None] * 16 == [feed.refusal for feed in feeds[:16]]
    assert "expected at most 16" in str(feeds[16].refusal)


def test_a_frame_may_overtake_its_ack_though_another_box_is_of_the_same_viewport(talk: Talk):
    talk.server.change("lagos", {CELL: 3})
    talk.watch()
    talk.settle()
    second = talk.watch(bbox=(6.421, 3.381, 6.469, 3.429))
    ack, *frame = talk.ask()
    talk.hear(*frame, ack)

    assert {CELL: 3} == second.state.cells
    assert 2 == len(said(talk, "subscribe"))


def test_what_is_left_is_unsubscribed_and_late_messages_of_it_are_passed_over(talk: Talk):
    feed = talk.watch()
    talk.settle()
    talk.server.change("lagos", {CELL: 3})
    late = talk.tick()
    talk.client.leave(feed, talk.now)
    talk.settle()
    talk.hear(*late)

    assert ["lagos/7/s14ks-s14ky"] == [each["subscription"] for each in said(talk, "unsubscribe")]
    assert {} == feed.state.cells == talk.connection.subscriptions
    talk.wait(1000)
    assert 2 == len(talk.said)


def test_what_is_left_before_its_name_is_known_is_unsubscribed_when_it_is(talk: Talk):
    feed = talk.watch()
    answers = talk.ask()
    talk.client.leave(feed, talk.now)
    talk.hear(*answers)
    talk.settle()

    assert {} == talk.connection.subscriptions


def test_two_watchers_of_one_viewport_share_its_messages_and_the_last_one_ends_it(talk: Talk):
    first, second = talk.watch(), talk.watch(bbox=(6.421, 3.381, 6.469, 3.429))
    talk.settle()
    assert first.subscription == second.subscription
    talk.client.leave(first, talk.now)
    talk.server.change("lagos", {CELL: 3})
    talk.hear(*talk.tick())
    talk.settle()

    assert ({}, {CELL: 3}) == (first.state.cells, second.state.cells)
    assert [] == said(talk, "unsubscribe")
    talk.client.leave(second, talk.now)
    assert 1 == len(said(talk, "unsubscribe"))


@pytest.mark.parametrize("is_heard_first", [0, 1], ids=["unsubscribe is answered first", "subscribe is answered first"])
@pytest.mark.parametrize("is_done_first", [0, 1], ids=["unsubscribe is done first", "subscribe is done first"])
def test_a_viewport_that_is_left_and_watched_again_at_once_stays_subscribed(
    talk: Talk, is_done_first: int, is_heard_first: int
):
    left = talk.watch()
    talk.settle()
    talk.client.leave(left, talk.now)
    again = talk.watch()
    texts = list(talk.client.outgoing)
    talk.client.outgoing.clear()
    answers = {index: talk.server.answer(talk.connection, texts[index]) for index in (is_done_first, 1 - is_done_first)}
    talk.hear(*answers[is_heard_first], *answers[1 - is_heard_first])
    talk.settle()

    assert again.subscription in talk.connection.subscriptions
    assert not again.state.is_behind
    said_so_far = len(talk.said)
    talk.wait(20)
    talk.settle()
    assert said_so_far == len(talk.said)


def test_a_city_that_has_grown_is_another_viewport_of_which_nothing_is_known(talk: Talk):
    talk.server.change("lagos", {CELL: 3})
    feed = talk.watch(bbox=None)
    talk.settle()
    talk.drop()
    talk.server.places = Cities([City("lagos", "Lagos", "Africa/Lagos", BBox(6.2, 3.0, 6.8, 3.8))])
    far = cell_of(6.25, 3.05, 7)
    talk.server.city("lagos").counts[far] = talk.server.city("lagos").changed_at[far] = 1
    talk.connect()
    talk.settle()

    assert {CELL: 3, far: 1} == feed.state.cells


def test_hello_is_answered_with_what_the_server_has(talk: Talk):
    told: list[Ack | Refused] = []
    talk.client.greet(told.append, talk.now)
    talk.drop()
    talk.connect()
    talk.settle()

    [hello] = told
    assert ((4, 5, 6, 7, 8), "lagos") == (hello.precisions, hello.cities[0].name)


def test_hello_that_the_server_does_not_know_is_told_as_such(talk: Talk):
    told: list[Ack | Refused] = []
    talk.client.greet(told.append, talk.now)
    error = {"type": "error", "action": "$default", "id": "1", "code": "unknown_action", "message": "action: expected"}
    talk.hear(json.dumps(error))

    assert ["action: expected"] == [str(answer) for answer in told]


@pytest.mark.parametrize(
    "text", ["", "junk", "[1]", '{"type":"delta"}', '{"type":"weather"}', '{"type":"ack","action":"dance","id":"99"}']
)
def test_junk_is_passed_over(talk: Talk, text: str):
    feed = talk.watch()
    talk.hear(text)
    talk.settle()

    assert not feed.state.is_behind


def test_messages_bytes_and_their_time_on_the_way_are_counted(talk: Talk):
    feed = talk.watch()
    answers = talk.ask()
    talk.hear(*answers, "junk")

    assert (3, 1) == (talk.client.messages, talk.client.garbled)
    assert sum(map(len, answers)) + 4 == talk.client.bytes
    # The server's clock goes on by a millisecond whenever someone looks at it.
    assert 2 == round(feed.delay_ms)


FAULTS = st.sampled_from(["fine", "fine", "fine", "lost", "twice", "late", "junk"])
EVENTS = st.lists(
    st.one_of(
        st.dictionaries(
            st.sampled_from([CELL, OTHER, "s14kw11", "kzf0tv5"]), st.integers(0, 3), min_size=1, max_size=3
        ),
        st.sampled_from(["tick", "drop", "lose", "leave", "watch", "wait", "silence"]),
    ),
    max_size=30,
)


@given(EVENTS, st.data())
def test_whatever_happens_on_the_way_every_viewport_is_in_step_once_all_is_well_again(
    events: list[dict[str, int] | str], data: st.DataObject
):
    talk = Talk()
    talk.server.parts = 2
    feeds = [talk.watch(), talk.watch("lagos", None, "deflate")]
    late: list[str] = []

    def carry(*texts: str) -> None:
        for text in texts:
            fault = data.draw(FAULTS)
            if fault == "late":
                late.append(text)
                continue
            if fault != "lost":
                talk.hear("junk" if fault == "junk" else text)
            if fault == "twice":
                talk.hear(text)
        if late and data.draw(st.booleans()):
            talk.hear(late.pop(data.draw(st.integers(0, len(late) - 1))))

    def reconnect() -> None:
        talk.drop()
        late.clear()
        talk.connect()

    def pass_time(seconds: float) -> None:
        try:
            talk.wait(seconds)
        except Unanswered:
            reconnect()

    for event in events:
        match event:
            case dict():
                talk.server.change("lagos", {cell: n for cell, n in event.items() if cell[0] == "s"})
            case "tick":
                carry(*talk.tick())
            case "drop":
                reconnect()
            case "lose":
                talk.server.lose_state()
            case "leave" if len(feeds) > 1:
                talk.client.leave(feeds.pop(data.draw(st.integers(0, len(feeds) - 1))), talk.now)
            case "watch":
                feeds.append(talk.watch(bbox=data.draw(st.sampled_from([BOX, None]))))
            case "wait":
                pass_time(3)
            case "silence":
                pass_time(40)
        carry(*talk.ask())

    # All that was in the air is gone; from now on everything arrives.
    for _ in range(8):
        pass_time(30)
        talk.settle()
        talk.hear(*talk.tick())
        talk.settle()

    assert [talk.server.cells(feed.subscription) for feed in feeds] == [feed.state.cells for feed in feeds]
    assert not any(feed.state.is_behind for feed in feeds)
    assert {feed.subscription for feed in feeds} == set(talk.connection.subscriptions)
