import json
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.heat_server import deflated, leb128, packed_bytes
from fleetglow.errors import BadMessage
from fleetglow.packed import KEYS, MAX_INFLATED_BYTES, cells_of, inflated, unpacked
from heatmap.cells import ALPHABET

# Shared with the server and with the page: everyone reads the same bytes in the same way.
VECTORS = json.loads((Path(__file__).parents[2] / "vectors/packed.json").read_text())
TILE = "s14mk"


@pytest.mark.parametrize("vector", VECTORS, ids=[f"precision {v['precision']}: {list(v['tiles'])}" for v in VECTORS])
def test_every_client_reads_the_same_cells(vector: dict[str, object]):
    expected = {tile + key: count for tile, counts in vector["tiles"].items() for key, count in counts.items()}

    assert expected == cells_of(bytes.fromhex(vector["packed_hex"]), vector["precision"] - 2)
    assert expected == unpacked(deflated(bytes.fromhex(vector["packed_hex"])), vector["precision"] - 2)


@st.composite
def tiles(draw: st.DrawFn) -> tuple[int, dict[str, dict[str, int]]]:
    """Tiles of one size."""
    size = draw(st.integers(2, 6))
    names = st.text(ALPHABET, min_size=size, max_size=size)
    counts = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 3) | st.integers(0, 10_000_000), max_size=40)
    return size, draw(st.dictionaries(names, counts, max_size=5))


@given(tiles())
def test_what_was_packed_is_there_again(given_tiles: tuple[int, dict[str, dict[str, int]]]):
    size, counts = given_tiles
    cells = {tile + key: count for tile, keys in counts.items() for key, count in keys.items()}

    assert cells == unpacked(deflated(packed_bytes(counts)), size)


def test_a_full_tile_is_read():
    counts = dict.fromkeys(KEYS, 1) | {"zz": 2}

    assert {TILE + key: count for key, count in counts.items()} == cells_of(packed_bytes({TILE: counts}), 5)


FIRST = packed_bytes({TILE: {"2x": 3, "31": 200, "zz": 0, "00": 20_000}})
WHOLE = FIRST + packed_bytes({"s14mm": {"10": 1}})


# Between two tiles nothing tells that more should come; deflate's own end does.
@pytest.mark.parametrize("length", [length for length in range(1, len(WHOLE)) if length != len(FIRST)])
def test_a_beginning_is_no_whole(length: int):
    with pytest.raises(BadMessage, match="packed: expected"):
        cells_of(WHOLE[:length], 5)


def record(*numbers: bytes | int) -> bytes:
    """A tile, its numbers written as they are or as they should be."""
    return TILE.encode() + b"".join(each if isinstance(each, bytes) else leb128(each) for each in numbers)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (record(1, 3, 1, 1024), "cells from 0 to 1023, got 1024"),
        (record(1, 3, 2, 1000, 23), "cells from 0 to 1023, got 1024"),
        (record(1, 3, 1, 1 << 31), "cells from 0 to 1023"),
        (record(1, 3, 1, b"\x80\x00"), "without needless bytes"),
        (record(1, b"\x83\x00", 1, 0), "without needless bytes"),
        (record(1, b"\xff\xff\xff\xff\xff\x01", 1, 0), "at most 5 bytes"),
        (record(1, 3, 1025, *[0] * 1025), "at most 1024 cells in a group, got 1025"),
        (record(2, 3, 1, 7, 4, 1, 7), "each cell once, got 1 twice"),
        (record(1, 3, 1, 7) * 2, "each cell once, got 1 twice"),
        (record(1, 3, 1, 7) + b"a", "a tile of 5 characters"),
        (b"s14mA" + bytes([0]), "a tile of 5 characters"),
        (b"s14m\xff" + bytes([0]), "a tile of 5 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_of_the_format_is_refused_with_a_reason(data: bytes, reason: str):
    with pytest.raises(BadMessage, match=reason):
        cells_of(data, 5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("é", "does not decode"),
        ("AB=C", "does not decode"),
        ("AwA", "does not decode"),
        (b64encode(b"\xff\xff\xff").decode(), "does not decode"),
        ("", "only its beginning"),
        (deflated(WHOLE)[:40], "only its beginning"),
        (b64encode(b"\x03\x00more").decode(), "nothing after its end, got 4 bytes"),
        (b64encode(zlib.compress(WHOLE)).decode(), "does not decode"),
    ],
)
def test_what_is_not_base64_of_deflate_raw_is_refused(text: str, reason: str):
    with pytest.raises(BadMessage, match=reason):
        inflated(text)


def test_nothing_is_inflated_without_bound():
    bomb = deflated(bytes(10 * MAX_INFLATED_BYTES))

    assert len(bomb) < 128_000
    with pytest.raises(BadMessage, match=f"at most {MAX_INFLATED_BYTES} bytes"):
        inflated(bomb)


@given(st.binary(max_size=60), st.integers(2, 6))
def test_whatever_comes_is_read_or_refused(data: bytes, size: int):
    try:
        cells = cells_of(data, size)
    except BadMessage:
        return
    assert all(len(cell) == size + 2 for cell in cells)


def test_the_bound_holds_the_largest_viewport():
    assert len(packed_bytes({TILE: {key: 1_000_000 + n for n, key in enumerate(KEYS)}})) * 1024 < MAX_INFLATED_BYTES


def test_nothing_is_packed_as_nothing():
    assert {} == unpacked("AwA=", 5) == cells_of(b"", 5)
