import base64
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatmap.cells import TileRange
from heatmap.frames import MAX_MESSAGE_BYTES, Encoding, Frames
from heatmap.packed import packed_tile
from heatmap.state import Stamp
from heatmap.tiles import Tiles
from heatmap.viewports import Viewport

NOW = 1_700_000_000_123
STAMP = Stamp(epoch="e1", rev=9, live=3, last_event=NOW - 40)
VIEWPORT = Viewport("lagos", 7, TileRange("s14mh", "s14mj"))
WHOLE = Viewport("lagos", 7, TileRange("s1400", "s14zz"))


def frames(cells: dict[str, int], stamp: Stamp = STAMP) -> Frames:
    return Frames("lagos", 7, stamp, Tiles(cells), NOW)


def test_a_snapshot_holds_the_cells_of_its_viewport():
    [message] = map(json.loads, frames({"s14mh00": 2, "s14zz00": 5}).snapshot(VIEWPORT, Encoding.JSON))

    assert {"s14mh": {"00": 2}} == message["tiles"]
    assert ("snapshot", "lagos/7/s14mh-s14mj", 9) == (message["type"], message["subscription"], message["rev"])


def test_a_delta_holds_what_changed_and_the_revision_that_it_builds_on():
    [message] = map(json.loads, frames({"s14mh00": 0}).delta(VIEWPORT, 4, Encoding.JSON))

    assert ("delta", {"s14mh": {"00": 0}}, 4, 9) == tuple(message[name] for name in ("type", "tiles", "prev", "rev"))


def test_frames_touch_the_viewports_that_cover_some_of_their_tiles():
    assert (True, False) == tuple(frames({cell: 1}).touch(VIEWPORT) for cell in ("s14mh00", "s14zz00"))


def test_viewports_that_cover_the_same_of_the_tiles_get_the_same_tiles_each_under_its_own_name():
    made = frames({"s14mh00": 2})

    messages = [json.loads(made.delta(viewport, 4, Encoding.JSON)[0]) for viewport in (VIEWPORT, WHOLE)]

    assert [VIEWPORT.subscription, WHOLE.subscription] == [message["subscription"] for message in messages]
    assert [{"s14mh": {"00": 2}}] * 2 == [message["tiles"] for message in messages]


def test_a_heartbeat_is_a_delta_of_nothing():
    of_nothing, heartbeat = frames({}).delta(VIEWPORT, 4, Encoding.JSON), frames({}).heartbeat(VIEWPORT, 4)

    assert json.loads(of_nothing[0]) == json.loads(heartbeat) | {"type": "delta", "tiles": {}}


def test_every_message_says_how_fresh_it_is():
    message = json.loads(frames({}).heartbeat(VIEWPORT, 4))

    fresh = {"epoch": "e1", "rev": 9, "as_of": "2023-11-14T22:13:20.123Z", "lag_ms": 40, "drivers": 3}
    assert fresh.items() <= message.items()


def test_a_city_without_pings_lags_behind_nothing():
    assert 0 == json.loads(frames({}, Stamp("e1", 1, 0, 0)).heartbeat(VIEWPORT, 0))["lag_ms"]


def test_packed_tiles_are_the_records_of_the_tiles_one_after_the_other():
    [message] = map(json.loads, frames({"s14mh00": 2, "s14mj00": 1}).snapshot(VIEWPORT, Encoding.DEFLATE))

    records = zlib.decompress(base64.b64decode(message["packed"]), wbits=-15)
    assert packed_tile("s14mh", {"00": 2}) + packed_tile("s14mj", {"00": 1}) == records
    assert "tiles" not in message


@pytest.mark.parametrize("encoding", Encoding)
@given(cells=st.integers(0, 4_000))
def test_a_frame_too_large_for_a_message_is_split_by_tile_and_whole_again(encoding: Encoding, cells: int):
    alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"
    counts = {
        f"s14{alphabet[n // 1024]}{alphabet[n // 32 % 32]}{alphabet[n % 32]}{a}": 10_000_000 + n * n * n
        for n in range(cells)
        for a in "01"
    }
    tiles = Tiles(counts)

    messages = Frames("lagos", 7, STAMP, tiles, NOW).snapshot(WHOLE, encoding)

    parts = [json.loads(message) for message in messages]
    assert all(len(message) <= MAX_MESSAGE_BYTES for message in messages)
    if len(parts) > 1:
        assert [(n, len(parts)) for n in range(1, len(parts) + 1)] == [(part["part"], part["parts"]) for part in parts]
    if encoding is Encoding.JSON:
        assert counts == {t + c: n for part in parts for t, held in part["tiles"].items() for c, n in held.items()}
    else:
        whole = b"".join(zlib.decompress(base64.b64decode(part["packed"]), wbits=-15) for part in parts)
        assert b"".join(tiles.packed(tile) for tile in tiles.within(WHOLE.tiles)) == whole


def test_a_frame_that_fits_does_not_speak_of_parts():
    [message] = map(json.loads, frames({"s14mh00": 2}).snapshot(VIEWPORT, Encoding.JSON))

    assert not {"part", "parts"} & message.keys()
