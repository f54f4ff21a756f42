import json
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.heat_server import FakeHeatServer
from fleetglow.protocol import Encoding, Since, Snapshot, ViewportMessage, decode, encode
from fleetglow.protocol import Subscribe as SubscribeMessage
from fleetglow.viewer_state import MOST_BEGUN, MOST_WAITING, ViewerState
from heatmap.viewports import from_subscription

CITY = "lagos"
BOX = (6.42, 3.38, 6.47, 3.43)
# Three of the six tiles that the box touches, and one in another part of the city.
TILES = ("s14ks", "s14kt", "s14kw", "s14hn")


class Watched:
    """A server, and one viewer of `BOX` on it, whose messages the test carries."""

    def __init__(self, encoding: Encoding = "json", parts: int = 1) -> None:
        self.server = FakeHeatServer()
        self.server.parts = parts
        self.server.all_in_parts = True
        self.viewer = ViewerState()
        self.connection = self.server.connect()
        self.encoding = encoding
        self.subscription = ""

    @property
    def truth(self) -> dict[str, int]:
        return self.server.cells(self.subscription)

    @property
    def tiles(self) -> list[str]:
        return list(from_subscription(self.subscription).tiles.tiles())

    def answer(self, *, afresh: bool = False) -> list[ViewportMessage]:
        """The frame that the viewer's subscribe is answered with."""
        since = None if afresh else self.viewer.since
        subscribe = SubscribeMessage(CITY, 7, BOX, since, self.encoding)
        ack, *frame = self.server.answer(self.connection, encode(subscribe))
        self.subscription = json.loads(ack)["subscription"]
        return decoded(frame)

    def change(self, counts: dict[str, int]) -> None:
        self.server.change(CITY, counts)

    def tick(self) -> list[ViewportMessage]:
        return decoded(text for _, texts in self.server.tick(CITY, [self.connection]) for text in texts)

    def heartbeat(self) -> list[ViewportMessage]:
        """A heartbeat, or a delta if something changed."""
        due = self.server.tick(CITY, [self.connection], heartbeats=True)
        return decoded(text for _, texts in due for text in texts)

    def take(self, *messages: ViewportMessage) -> list[bool]:
        return [self.viewer.receive(message) for message in messages]

    def catch_up(self) -> None:
        self.take(*self.answer())


def decoded(texts: Iterable[str]) -> list[ViewportMessage]:
    return [decode(text) for text in texts]


@pytest.fixture(params=["json", "deflate"])
def watched(request: pytest.FixtureRequest) -> Watched:
    """A viewer who has seen the snapshot of an empty city."""
    watched = Watched(request.param)
    watched.catch_up()
    return watched


def test_at_first_only_a_snapshot_helps():
    viewer = ViewerState()

    assert (True, None) == (viewer.is_behind, viewer.since)


def test_a_snapshot_shows_what_the_server_holds(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3, watched.tiles[1] + "31": 1})
    watched.take(*watched.answer(afresh=True))

    assert watched.truth == watched.viewer.cells
    assert (4, 2, "e1") == (watched.viewer.drivers, watched.viewer.rev, watched.viewer.epoch)
    assert not watched.viewer.is_behind


def test_a_delta_changes_the_cells_it_names_and_no_others(watched: Watched):
    tile, other = watched.tiles[:2]
    watched.change({tile + "2x": 3, tile + "31": 1})
    watched.take(*watched.tick())
    watched.change({tile + "31": 0, other + "00": 2})

    assert [True] == watched.take(*watched.tick())
    assert {tile + "2x": 3, other + "00": 2} == watched.viewer.cells
    assert (3, 1, 0) == (watched.viewer.frames, watched.viewer.snapshots, watched.viewer.gaps)


def test_a_lost_delta_is_noticed_at_the_next_wherever_it_is(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    watched.tick()
    watched.change({watched.tiles[1] + "31": 1})

    assert [False] == watched.take(*watched.tick())
    assert (True, 1) == (watched.viewer.is_behind, watched.viewer.gaps)
    assert Since("e1", 1) == watched.viewer.since

    watched.catch_up()

    assert watched.truth == watched.viewer.cells
    assert not watched.viewer.is_behind


def test_a_lost_last_delta_is_noticed_at_the_next_heartbeat(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    watched.tick()

    assert [False] == watched.take(*watched.heartbeat())
    assert watched.viewer.is_behind

    watched.catch_up()

    assert watched.truth == watched.viewer.cells


def test_a_heartbeat_moves_the_viewport_on(watched: Watched):
    watched.change({"s1700": 5})

    assert [True] == watched.take(*watched.heartbeat())
    assert (Since("e1", 2), 5) == (watched.viewer.since, watched.viewer.drivers)


def test_a_heartbeat_in_a_quiet_city_tells_that_what_is_shown_still_holds(watched: Watched):
    before = watched.viewer.as_of

    assert [False] == watched.take(*watched.heartbeat())
    assert before < watched.viewer.as_of


def test_a_delta_that_waited_is_applied_when_the_one_before_it_comes_late(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    late = watched.tick()
    watched.change({watched.tiles[0] + "31": 1})
    watched.take(*watched.tick())

    assert [True] == watched.take(*late)
    assert watched.truth == watched.viewer.cells
    assert not watched.viewer.is_behind


def test_a_resume_brings_what_waited_after_it(watched: Watched):
    tile = watched.tiles[0]
    watched.change({tile + "2x": 3})
    watched.tick()
    watched.change({tile + "31": 1})
    watched.take(*watched.tick())
    answer = watched.answer()
    watched.change({tile + "zz": 9})
    watched.take(*watched.tick(), *answer)

    assert watched.truth == watched.viewer.cells


def test_a_delta_that_comes_twice_counts_once(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    frame = watched.tick()

    assert [True, False] == watched.take(*frame, *frame)
    assert (watched.truth, 2) == (watched.viewer.cells, watched.viewer.frames)


def test_a_delta_from_before_the_snapshot_is_passed_over(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    late = watched.tick()
    watched.change({watched.tiles[0] + "2x": 1})
    watched.take(*watched.answer(afresh=True), *late)

    assert {watched.tiles[0] + "2x": 1} == watched.viewer.cells


def test_a_delta_that_overtakes_the_first_snapshot_is_not_lost():
    watched = Watched()
    snapshot = watched.answer()
    watched.change({watched.tiles[0] + "2x": 3})

    assert [False, True] == watched.take(*watched.tick(), *snapshot)
    assert watched.truth == watched.viewer.cells
    assert (2, 0) == (watched.viewer.frames, watched.viewer.gaps)


def test_a_snapshot_older_than_what_is_shown_does_not_undo_it(watched: Watched):
    old = watched.answer(afresh=True)
    watched.change({watched.tiles[0] + "2x": 3})
    watched.take(*watched.tick(), *old)

    assert watched.truth == watched.viewer.cells


def test_a_snapshot_of_the_same_revision_has_the_last_word(watched: Watched):
    watched.viewer.cells["s14mk2x"] = 7
    watched.take(*watched.answer(afresh=True))

    assert {} == watched.viewer.cells


@pytest.mark.parametrize("said_by", ["tick", "heartbeat"])
def test_a_state_born_anew_is_asked_for_whole(watched: Watched, said_by: str):
    watched.change({watched.tiles[0] + "2x": 3})
    watched.take(*watched.tick())
    watched.server.lose_state()
    watched.change({watched.tiles[1] + "00": 1})

    watched.take(*(watched.tick() if said_by == "tick" else watched.heartbeat()))

    assert (True, None) == (watched.viewer.is_behind, watched.viewer.since)
    # What was known stays on the screen until something better comes.
    assert {watched.tiles[0] + "2x": 3} == watched.viewer.cells

    watched.catch_up()

    assert (watched.truth, "e2") == (watched.viewer.cells, watched.viewer.epoch)
    assert not watched.viewer.is_behind


def test_what_came_of_the_new_state_is_kept_while_the_old_one_still_talks(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    late = watched.tick()
    watched.server.lose_state()
    snapshot = watched.answer(afresh=True)
    watched.change({watched.tiles[1] + "00": 1})
    watched.take(*watched.tick(), *late, *snapshot)

    assert watched.truth == watched.viewer.cells
    assert (False, 1) == (watched.viewer.is_behind, watched.viewer.gaps)


def test_a_frame_counts_once_all_its_parts_are_in():
    watched = Watched(parts=3)
    watched.answer()
    watched.change({tile + "2x": 1 for tile in watched.tiles})
    first, *others = watched.answer()

    assert [False, False, False] == watched.take(*others, others[0])
    assert (0, True) == (watched.viewer.frames, watched.viewer.is_behind)

    assert [True] == watched.take(first)
    assert (watched.truth, 1) == (watched.viewer.cells, watched.viewer.frames)


def test_parts_of_two_frames_between_the_same_revisions_do_not_make_one():
    watched = Watched(parts=2)
    watched.answer()
    watched.change({tile + "2x": 1 for tile in watched.tiles})

    watched.take(watched.answer()[0], watched.answer()[1])

    assert {} == watched.viewer.cells


def test_a_part_that_is_lost_is_a_message_that_is_missing():
    watched = Watched(parts=2)
    watched.catch_up()
    watched.change({watched.tiles[0] + "2x": 3, watched.tiles[1] + "2x": 3})
    watched.take(watched.tick()[1])
    watched.take(*watched.heartbeat())

    assert (True, {}) == (watched.viewer.is_behind, watched.viewer.cells)


def test_forgetting_keeps_what_is_shown_and_asks_for_everything(watched: Watched):
    watched.change({watched.tiles[0] + "2x": 3})
    watched.take(*watched.tick())
    watched.viewer.forget()

    assert (True, None) == (watched.viewer.is_behind, watched.viewer.since)
    assert watched.truth == watched.viewer.cells


def test_what_waits_is_bounded_and_yet_nothing_is_lost_for_good():
    watched = Watched(parts=2)
    watched.catch_up()
    watched.change({watched.tiles[0] + "2x": 3})
    watched.tick()
    for n in range(MOST_WAITING + 10):
        watched.change({watched.tiles[0] + "31": n, watched.tiles[1] + "31": n})
        watched.take(*watched.tick())
    begun = [watched.answer(afresh=True) for _ in range(MOST_BEGUN + 1)]
    watched.take(*[frame[0] for frame in begun])

    assert [False] == watched.take(begun[0][1])
    assert [True] == watched.take(begun[-1][1])
    assert watched.truth == watched.viewer.cells


CELLS = [tile + key for tile in TILES for key in ("00", "2x", "zz")]
CHANGES = st.dictionaries(st.sampled_from(CELLS), st.integers(0, 3), min_size=1, max_size=4)
SERVES = st.sampled_from(["tick", "tick", "heartbeat", "subscribe", "afresh", "json", "deflate", "lose"])
EVENTS = st.lists(st.one_of(CHANGES, SERVES), max_size=40)


class History:
    """What the server held at each of its revisions."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.held: dict[tuple[str, int], dict[str, int]] = {}
        self.note()

    def note(self) -> None:
        server = self.watched.server
        self.held[server.epoch, server.city(CITY).rev] = self.watched.truth

    def check(self) -> None:
        """A viewer shows exactly what there was at the revision that it says it is at."""
        viewer = self.watched.viewer
        if viewer.epoch is not None:
            assert self.held[viewer.epoch, viewer.rev] == viewer.cells


@given(EVENTS, st.integers(1, 3), st.data())
def test_whatever_is_lost_doubled_or_out_of_order_a_viewer_is_right_and_catches_up(
    events: list[dict[str, int] | str], parts: int, data: st.DataObject
):
    watched = Watched(parts=parts)
    sent = watched.answer()
    history = History(watched)
    for event in events:
        match event:
            case dict():
                watched.change(event)
            case "tick":
                sent += watched.tick()
            case "heartbeat":
                sent += watched.heartbeat()
            case "subscribe" | "afresh":
                # The viewer may ask at any moment, and hear the answer at any other, or never.
                sent += watched.answer(afresh=event == "afresh")
            case "lose":
                watched.server.lose_state()
            case _:
                watched.encoding = event
        history.note()
        for index in data.draw(st.lists(st.integers(0, max(0, len(sent) - 1)), max_size=4 if sent else 0)):
            watched.take(sent[index])
            history.check()

    # One message that reaches it is enough to know; then it asks until it is in step.
    watched.take(*watched.heartbeat())
    answers = 0
    while watched.viewer.is_behind:
        watched.catch_up()
        history.check()
        answers += 1
        assert answers <= 2

    assert watched.truth == watched.viewer.cells
    assert watched.server.epoch == watched.viewer.epoch


@given(st.lists(CHANGES, max_size=12), st.randoms(use_true_random=False), st.integers(1, 3))
def test_nothing_lost_is_equal_without_asking_in_whatever_order(
    changes: list[dict[str, int]], chance: Random, parts: int
):
    watched = Watched(parts=parts)
    messages = watched.answer()
    for change in changes:
        watched.change(change)
        messages += watched.tick()
    chance.shuffle(messages)
    watched.take(*messages)

    # More frames than may be begun at a time are more out of order than any network makes them.
    if parts == 1 or len(changes) < MOST_BEGUN:
        assert watched.truth == watched.viewer.cells
        assert not watched.viewer.is_behind


def test_a_snapshot_without_drivers_is_one_all_the_same():
    watched = Watched("deflate")
    [snapshot] = watched.answer()

    assert isinstance(snapshot, Snapshot)
    assert [True] == watched.take(snapshot)
