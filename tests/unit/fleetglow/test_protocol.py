import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from fakes.heat_server import deflated, packed_bytes
from fleetglow.errors import BadMessage
from fleetglow.protocol import (
    MAX_PARTS,
    Ack,
    Delta,
    GatewayRefusal,
    Hello,
    Refusal,
    Since,
    Snapshot,
    Subscribe,
    Unsubscribe,
    decode,
    encode,
)
from heatmap.cells import BBox, TileRange
from heatmap.frames import Encoding, Frames
from heatmap.state import Stamp
from heatmap.tiles import Tiles
from heatmap.viewports import Viewport
from junk import TEXT, VALUES, damaged, spoiled, written

TILES = {"s14mk": {"2x": 4, "31": 0}, "s14mm": {"00": 1}}
CELLS = {"s14mk2x": 4, "s14mk31": 0, "s14mm00": 1}


def a_delta(**fields: Any) -> str:
    """A delta on the wire; a field set to `...` is left out."""
    delta = {
        "type": "delta",
        "subscription": "lagos/7/s14hn-s14wm",
        "city": "lagos",
        "precision": 7,
        "epoch": "9c1f02ab",
        "prev": 123,
        "rev": 130,
        "as_of": "2026-01-31T12:00:03.000Z",
        "lag_ms": 35,
        "drivers": 9877,
        "tiles": TILES,
    } | fields
    return json.dumps({name: value for name, value in delta.items() if value is not ...})


def test_a_delta_names_its_cells_and_what_it_builds_on():
    delta = decode(a_delta())

    assert isinstance(delta, Delta)
    assert (CELLS, 123, 130, 1, 1) == (delta.cells, delta.prev, delta.rev, delta.part, delta.parts)
    assert 1_769_860_803 == delta.as_of.timestamp()


def test_packed_tiles_are_the_same_as_plain_ones():
    assert decode(a_delta()) == decode(a_delta(tiles=..., packed=deflated(packed_bytes(TILES))))


@pytest.mark.parametrize("encoding", list(Encoding))
def test_what_the_application_sends_is_read(encoding: Encoding):
    stamp = Stamp("e1", 5, 9, 1_769_860_803_000)
    frames = Frames("lagos", 7, stamp, Tiles(CELLS), 1_769_860_803_040)
    viewport = Viewport("lagos", 7, TileRange("s14mk", "s14mm"))

    [snapshot], [delta] = frames.snapshot(viewport, encoding), frames.delta(viewport, 3, encoding)

    assert (CELLS, 40) == (decode(snapshot).cells, decode(snapshot).lag_ms)
    assert (CELLS, 3, 5) == (decode(delta).cells, decode(delta).prev, decode(delta).rev)
    assert 3 == decode(frames.heartbeat(viewport, 3)).prev


def test_a_snapshot_builds_on_nothing():
    snapshot = decode(a_delta(type="snapshot", prev=..., part=2, parts=3))

    assert isinstance(snapshot, Snapshot)
    assert (2, 3) == (snapshot.part, snapshot.parts)


def test_an_ack_carries_the_id_of_what_it_answers():
    text = '{"type":"ack","action":"hello","id":"7","connection_id":"c","precisions":[6,7],"cities":[]}'

    assert Ack("hello", id="7", connection_id="c", precisions=(6, 7)) == decode(text)


def test_an_error_is_read_with_and_without_an_id():
    refusal = {"type": "error", "action": "subscribe", "code": "unknown_city", "message": "city: expected …"}

    assert Refusal("unknown_city", "city: expected …", "subscribe", "3") == decode(json.dumps(refusal | {"id": "3"}))
    assert Refusal("unknown_city", "city: expected …", "subscribe") == decode(json.dumps(refusal))


def test_api_gateways_own_refusal_is_told_from_a_message():
    text = '{"message": "Internal server error", "connectionId": "L0SM9=", "requestId": "L0SNA="}'

    assert GatewayRefusal("Internal server error") == decode(text)


def test_a_type_or_a_field_of_a_later_version_is_passed_over():
    assert decode('{"type":"weather","city":"lagos"}') is None
    assert decode(a_delta()) == decode(a_delta(mood="sunny"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        "{}",
        '{"type":7}',
        '{"type":"delta"}',
        a_delta(prev=...),
        a_delta(prev=-1),
        a_delta(rev="130"),
        a_delta(city=7),
        a_delta(precision=2),
        a_delta(as_of="noon"),
        a_delta(as_of="2026-01-31T12:00:03"),
        a_delta(part=0),
        a_delta(part=3, parts=2),
        a_delta(part=1, parts=MAX_PARTS + 1),
        a_delta(tiles=...),
        a_delta(packed=deflated(b"")),
        a_delta(tiles=..., packed="?"),
        a_delta(tiles={"s14": {"2x": 1}}),
        a_delta(tiles={"s14mk": {"2a": 1}}),
        a_delta(tiles={"s14mk": {"2": 1}}),
        a_delta(tiles={"s14mk": {"2x": -1}}),
        a_delta(tiles={"s14mk": {"2x": 1.5}}),
        '{"type":"ack","action":"subscribe","heartbeat_seconds":0}',
        '{"type":"ack","action":"subscribe","min_cell_drivers":0}',
    ],
)
def test_what_is_not_of_the_protocol_is_refused(text: str):
    with pytest.raises(BadMessage, match="expected"):
        decode(text)


ACK = {"type": "ack", "action": "subscribe", "subscription": "lagos/7/s14hn-s14wm", "rev": 1, "heartbeat_seconds": 15}


@given(
    TEXT
    | written(VALUES | spoiled(json.loads(a_delta()), json.loads(a_delta(type="snapshot")), ACK))
    | damaged(a_delta().encode()).map(lambda data: data.decode("latin-1"))
)
def test_whatever_comes_is_a_message_or_refused(text: str):
    with suppress(BadMessage):
        message = decode(text)

        if isinstance(message, Snapshot | Delta):
            assert {message.precision} >= {len(cell) for cell in message.cells}
            assert min(message.cells.values(), default=0) >= 0


@pytest.mark.parametrize("rest", ["", " garbage", ",", "}}", ' "x" 1}'])
def test_what_is_wrong_in_two_ways_is_refused_as_well(rest: str):
    with pytest.raises(BadMessage, match="expected"):
        decode('{"type":"delta","city":7' + rest)


def test_what_is_said_has_only_the_fields_that_it_needs():
    box = BBox(6.4, 3.3, 6.6, 3.5)
    bbox = (box.south, box.west, box.north, box.east)
    said = [
        Subscribe("lagos", 7, id="1"),
        Subscribe("lagos", 7, bbox, Since("9c1f02ab", 130), "deflate", "2"),
        Unsubscribe("lagos/7/s14hn-s14wm", "3"),
        Hello("4"),
    ]

    assert [
        {"action": "subscribe", "city": "lagos", "precision": 7, "id": "1"},
        {
            "action": "subscribe",
            "city": "lagos",
            "precision": 7,
            "bbox": [6.4, 3.3, 6.6, 3.5],
            "since": {"epoch": "9c1f02ab", "rev": 130},
            "encoding": "deflate",
            "id": "2",
        },
        {"action": "unsubscribe", "subscription": "lagos/7/s14hn-s14wm", "id": "3"},
        {"action": "hello", "id": "4"},
    ] == [json.loads(encode(message)) for message in said]
