from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.heat_server import BOX, CITY, NOW, PRECISION, FakeHeatServer
from fleetglow.protocol import Message, Since, Snapshot, decode
from fleetglow.viewer_state import Ask, ViewerState
from heatmap.cells import ALPHABET
from heatmap.frames import snapshot
from heatmap.state import Stamp, View


def a_viewer(server: FakeHeatServer | None = None) -> ViewerState:
    """A viewer; with a server, one that has its snapshot."""
    viewer = ViewerState(CITY, PRECISION, BOX)
    if server:
        take(viewer, server.answer(viewer.subscribe()))
    return viewer


def take(viewer: ViewerState, messages: list[Message]) -> list[Ask]:
    return [viewer.receive(message) for message in messages]


def catch_up(viewer: ViewerState, server: FakeHeatServer) -> None:
    take(viewer, server.answer(viewer.subscribe()))


def test_the_first_subscribe_asks_for_the_box_and_no_past():
    subscribe = a_viewer().subscribe()

    assert (BOX.south, BOX.west, BOX.north, BOX.east) == subscribe.bbox
    assert subscribe.since is None


def test_a_snapshot_shows_what_the_server_holds():
    server = FakeHeatServer()
    server.change({server.tiles[0] + "2x": 3, server.tiles[1] + "31": 1})

    viewer = a_viewer(server)

    assert server.cells == viewer.cells()
    assert (4, server.rev, "e1") == (viewer.drivers, viewer.rev, viewer.epoch)


def test_a_delta_changes_the_cells_it_names_and_no_others():
    server = FakeHeatServer()
    server.change({server.tiles[0] + "2x": 3, server.tiles[0] + "31": 1})
    viewer = a_viewer(server)
    server.tick()
    server.change({server.tiles[0] + "31": 0, server.tiles[1] + "00": 2})

    assert [Ask.NOTHING] == take(viewer, server.tick())
    assert {server.tiles[0] + "2x": 3, server.tiles[1] + "00": 2} == viewer.cells()


def test_a_lost_delta_is_noticed_at_the_next_of_its_tile():
    server = FakeHeatServer()
    viewer = a_viewer(server)
    server.change({server.tiles[0] + "2x": 3})
    server.tick()
    server.change({server.tiles[0] + "31": 1})

    assert [Ask.RESUME] == take(viewer, server.tick())
    assert Since("e1", 1) == viewer.subscribe().since

    catch_up(viewer, server)

    assert server.cells == viewer.cells()


def test_a_lost_delta_of_one_tile_does_not_hold_up_the_others():
    server = FakeHeatServer()
    viewer = a_viewer(server)
    server.change({server.tiles[0] + "2x": 3})
    server.tick()
    server.change({server.tiles[0] + "31": 1, server.tiles[1] + "00": 5})
    take(viewer, server.tick())

    assert {server.tiles[1] + "00": 5} == viewer.cells()


def test_a_delta_that_comes_twice_counts_once():
    server = FakeHeatServer()
    viewer = a_viewer(server)
    server.change({server.tiles[0] + "2x": 3})
    frame = server.tick()

    assert [Ask.NOTHING] * 2 == take(viewer, frame + frame)
    assert server.cells == viewer.cells()


def test_a_delta_from_before_the_snapshot_is_passed_over():
    server = FakeHeatServer()
    server.change({server.tiles[0] + "2x": 3})
    late = server.tick()
    server.change({server.tiles[0] + "2x": 1})
    viewer = a_viewer(server)
    take(viewer, late)

    assert {server.tiles[0] + "2x": 1} == viewer.cells()


def test_a_delta_that_overtakes_the_snapshot_is_not_lost():
    server = FakeHeatServer()
    viewer = a_viewer()
    answer = server.answer(viewer.subscribe())
    server.change({server.tiles[0] + "2x": 3})

    assert [Ask.NOTHING] == take(viewer, server.tick())
    take(viewer, answer)

    assert server.cells == viewer.cells()


def test_a_snapshot_older_than_a_tile_does_not_undo_it():
    server = FakeHeatServer()
    viewer = a_viewer(server)
    old = server.answer(a_viewer().subscribe())
    server.change({server.tiles[0] + "2x": 3})
    take(viewer, server.tick() + old)

    assert server.cells == viewer.cells()


def test_a_state_born_anew_is_asked_for_whole():
    server = FakeHeatServer()
    server.change({server.tiles[0] + "2x": 3})
    viewer = a_viewer(server)
    server.lose_state()
    server.change({server.tiles[1] + "00": 1})

    assert [Ask.SNAPSHOT] == take(viewer, server.tick())
    assert viewer.subscribe().since is None
    # What was known stays on the screen until something better comes.
    assert {server.tiles[0] + "2x": 3} == viewer.cells()

    catch_up(viewer, server)

    assert server.cells == viewer.cells()


def test_a_heartbeat_tells_of_a_state_born_anew():
    server = FakeHeatServer()
    viewer = a_viewer(server)

    assert [Ask.NOTHING] == take(viewer, [server.heartbeat()])
    server.lose_state()
    assert [Ask.SNAPSHOT] == take(viewer, [server.heartbeat()])


def a_snapshot_in_parts(rev: int = 9) -> list[Snapshot]:
    """More cells than a message holds."""
    server = FakeHeatServer()
    keys = [a + b for a in ALPHABET for b in ALPHABET]
    view = View(Stamp("e1", rev, 1, NOW), 0, {tile + key: 1000 for tile in server.tiles for key in keys})
    parts = [decode(text) for text in snapshot(server.viewport, view, NOW)]
    return [part for part in parts if isinstance(part, Snapshot)]


def test_a_snapshot_counts_once_all_its_parts_are_in():
    parts = a_snapshot_in_parts()
    viewer = a_viewer()
    take(viewer, [*parts[1:], parts[1]])

    assert len(parts) > 1
    assert {} == viewer.cells()
    assert viewer.is_awaiting_parts

    take(viewer, parts[:1])

    assert sum(len(cells) for part in parts for cells in part.tiles.values()) == len(viewer.cells())
    assert not viewer.is_awaiting_parts


def test_a_newer_snapshot_replaces_one_of_which_a_part_was_lost():
    viewer = a_viewer()
    take(viewer, [a_snapshot_in_parts(rev=9)[0], *a_snapshot_in_parts(rev=10), a_snapshot_in_parts(rev=9)[1]])

    assert 10 == viewer.rev


def test_parts_of_two_snapshots_do_not_make_one():
    viewer = a_viewer()
    take(viewer, [*a_snapshot_in_parts(rev=9)[1:], a_snapshot_in_parts(rev=10)[0]])

    assert {} == viewer.cells()


def test_a_resume_that_comes_late_does_not_undo_a_delta():
    server = FakeHeatServer()
    viewer = a_viewer(server)
    server.change({server.tiles[0] + "2x": 3})
    late = server.answer(viewer.subscribe())
    server.change({server.tiles[0] + "2x": 1})
    take(viewer, server.tick() + late)

    assert {server.tiles[0] + "2x": 1} == viewer.cells()


def test_a_resume_brings_tiles_up_to_date_that_did_not_change():
    server = FakeHeatServer()
    viewer = a_viewer(server)
    server.change({server.tiles[0] + "2x": 3})
    catch_up(viewer, server)

    assert Since("e1", server.rev) == viewer.subscribe().since


def test_another_city_and_another_viewport_change_nothing():
    server = FakeHeatServer()
    server.change({server.tiles[0] + "2x": 3})
    viewer = ViewerState("nairobi", PRECISION)

    assert {Ask.NOTHING} == set(take(viewer, server.answer(viewer.subscribe()) + server.tick()))
    assert {} == viewer.cells()


def test_a_message_of_a_type_unknown_to_this_version_is_passed_over():
    assert decode('{"type":"weather","city":"lagos"}') is None


def test_a_message_that_is_not_of_the_protocol_is_refused():
    with pytest.raises(msgspec.DecodeError):
        decode('{"type":"delta","city":7}')


FEW_CELLS = [tile + key for tile in FakeHeatServer().tiles for key in ("00", "2x", "zz")]
CHANGES = st.dictionaries(st.sampled_from(FEW_CELLS), st.integers(0, 3), min_size=1, max_size=4)
EVENTS = st.lists(
    st.one_of(
        CHANGES,
        st.sampled_from(["tick", "heartbeat", "subscribe", "lose_state"]),
    ),
    max_size=40,
)


@given(EVENTS, st.data())
def test_whatever_is_lost_doubled_or_out_of_order_a_resume_makes_it_equal(
    events: list[dict[str, int] | str], data: st.DataObject
):
    server, viewer = FakeHeatServer(), a_viewer()
    sent: list[Message] = []
    for event in events:
        if isinstance(event, dict):
            server.change(event)
        elif event == "tick":
            sent += server.tick()
        elif event == "heartbeat":
            sent.append(server.heartbeat())
        elif event == "lose_state":
            server.lose_state()
        else:
            # The viewer may ask at any moment, and hear the answer at any other, or never.
            sent += server.answer(viewer.subscribe())
        arriving = data.draw(st.lists(st.integers(0, max(0, len(sent) - 1)), max_size=3)) if sent else []
        take(viewer, [sent[index] for index in arriving])
    # A viewer without a doubt asks nothing, so ask as one does who reconnects; the answers come at last.
    for _ in range(2):
        take(viewer, server.answer(viewer.subscribe()))

    assert server.cells == viewer.cells()
    assert server.epoch == viewer.epoch


@given(st.lists(CHANGES, max_size=12), st.randoms(use_true_random=False))
def test_nothing_lost_is_equal_without_any_resume_in_whatever_order(changes: list[dict[str, int]], chance: Random):
    server = FakeHeatServer()
    viewer = a_viewer()
    messages = server.answer(viewer.subscribe())
    for change in changes:
        server.change(change)
        messages += server.tick()
    chance.shuffle(messages)
    take(viewer, messages)
    # Whatever came too early waits for a frame; the answer to one resume is that frame.
    if Ask.RESUME in take(viewer, messages):
        catch_up(viewer, server)

    assert server.cells == viewer.cells()
