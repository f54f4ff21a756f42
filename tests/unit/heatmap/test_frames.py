import json

from hypothesis import given
from hypothesis import strategies as st

from heatmap.cells import TileRange
from heatmap.frames import MAX_MESSAGE_BYTES, deltas, fragments, heartbeat, resumed, snapshot
from heatmap.state import Changes, Stamp, View
from heatmap.viewports import Viewport

NOW = 1_700_000_000_123
STAMP = Stamp(epoch="e1", rev=9, live=3, last_event=NOW - 40)
VIEWPORT = Viewport("lagos", 7, TileRange("s14mh", "s14mj"))


def test_a_fragment_holds_a_tiles_cells():
    [fragment] = fragments({"s14mk2x": 3, "s14mk31": 0}, lambda _: 7).values()

    assert fragment.cells == '"s14mk":{"2x":3,"31":0}'
    assert fragment.previous == '"s14mk":7'


def test_a_snapshot_holds_the_cells_of_its_viewport_that_hold_drivers():
    view = View(STAMP, 0, {"s14mh00": 2, "s14mh01": 0, "s14zz00": 5})

    [message] = map(json.loads, snapshot(VIEWPORT, view, NOW))

    assert message["tiles"] == {"s14mh": {"00": 2}}
    assert tuple(message[field] for field in ("type", "subscription", "part", "parts")) == (
        "snapshot",
        "lagos/7/s14mh-s14mj",
        1,
        1,
    )


def test_every_frame_says_how_fresh_it_is():
    message = json.loads(heartbeat("lagos", 7, STAMP, NOW))

    assert {"epoch": "e1", "rev": 9, "as_of": "2023-11-14T22:13:20.123Z", "lag_ms": 40, "drivers": 3}.items() <= (
        message.items()
    )


def test_a_city_without_pings_lags_behind_nothing():
    assert 0 == json.loads(heartbeat("lagos", 7, Stamp("e1", 1, 0, 0), NOW))["lag_ms"]


def test_a_delta_goes_only_where_something_changed():
    changes = Changes(7, ["s14mh-s14mj", "s14zz-s14zz"], {"s14mh00": 0}, {"s14mh": 4})

    messages = deltas("lagos", STAMP, changes, NOW)

    assert list(messages) == ["s14mh-s14mj"]
    [delta] = map(json.loads, messages["s14mh-s14mj"])
    assert (delta["tiles"], delta["prev"]) == ({"s14mh": {"00": 0}}, {"s14mh": 4})


def test_a_resume_is_answered_even_when_nothing_changed():
    [message] = map(json.loads, resumed(VIEWPORT, View(STAMP, 5, {}), NOW))

    assert (message["type"], message["resumed"], message["tiles"]) == ("delta", True, {})


@given(st.integers(0, 2_000))
def test_a_frame_too_large_for_a_message_is_split_by_tile_and_whole_again(cells: int):
    alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"
    counts = {
        f"s14{alphabet[n // 1024]}{alphabet[n // 32 % 32]}{alphabet[n % 32]}{a}": 10_000 + n
        for n in range(cells)
        for a in "01"
    }
    whole = Viewport("lagos", 7, TileRange("s1400", "s14zz"))

    messages = snapshot(whole, View(STAMP, 0, counts), NOW)

    parts = [json.loads(message) for message in messages]
    assert all(len(message) <= MAX_MESSAGE_BYTES for message in messages)
    assert [(n, len(parts)) for n in range(1, len(parts) + 1)] == [(part["part"], part["parts"]) for part in parts]
    assert counts == {t + c: n for part in parts for t, held in part["tiles"].items() for c, n in held.items()}
