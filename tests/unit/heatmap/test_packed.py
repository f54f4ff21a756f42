import base64
import json
import zlib
from pathlib import Path

import pytest

from heatmap.packed import deflated, packed_tile

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/packed.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=[str(n) for n in range(len(VECTORS))])
def test_tiles_are_packed_as_every_client_reads_them(vector: dict[str, object]):
    packed = b"".join(packed_tile(tile, counts) for tile, counts in vector["tiles"].items())

    assert vector["packed_hex"] == packed.hex()


def test_cells_are_grouped_by_count_and_written_as_gaps():
    assert b"s14mk" + bytes([2, 0, 1, 5, 3, 2, 0, 31]) == packed_tile("s14mk", {"10": 3, "05": 0, "00": 3})


def test_records_travel_as_raw_deflate_in_base64():
    records = [b"one" * 20, b"two"]

    assert b"".join(records) == zlib.decompress(base64.b64decode(deflated(records)), wbits=-15)
