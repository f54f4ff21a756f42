"""Packed tiles: base64 of deflate-raw of binary records (`docs/protocol.md`), and back to counts by cell.

What comes is checked as it is read, since it may come from anywhere: nothing is inflated without bound, and what is not
exactly of the format raises BadMessage.
"""

import zlib
from binascii import a2b_base64

from fleetglow.errors import BadMessage
from heatmap.cells import ALPHABET, MAX_TILES

# Cells of a tile, and the last two characters of each.
KEYS = tuple(a + b for a in ALPHABET for b in ALPHABET)

# No viewport has more tiles, and eight bytes are room enough for every cell of them: one in a group of its own takes
# two for its number, one for the group's size, and five for a count of more drivers than there are people.
MAX_INFLATED_BYTES = MAX_TILES * len(KEYS) * 8
_MAX_NUMBER_BYTES = 5

_TILE_CHARACTERS = frozenset(ALPHABET)
_RAW = -15


def unpacked(packed: str, tile_characters: int) -> dict[str, int]:
    """Counts by cell; 0 means that it went empty.

    Args:
        packed: as it stands in a frame.
        tile_characters: of a tile's name: two less than the precision.

    Raises:
        BadMessage: it is not base64, not deflate-raw, of more than `MAX_INFLATED_BYTES`, or not of the format.
    """
    return cells_of(inflated(packed), tile_characters)


def inflated(packed: str) -> bytes:
    """The records in base64 of deflate-raw. Raises BadMessage."""
    inflate = zlib.decompressobj(_RAW)
    try:
        data = inflate.decompress(a2b_base64(packed, strict_mode=True), MAX_INFLATED_BYTES + 1)
    except (ValueError, zlib.error) as error:  # binascii's own error is a ValueError
        raise BadMessage(f"packed: expected base64 of deflate-raw, got what does not decode ({error})") from error
    if len(data) > MAX_INFLATED_BYTES:
        raise BadMessage(f"packed: expected at most {MAX_INFLATED_BYTES} bytes, got more")
    if not inflate.eof:
        raise BadMessage("packed: expected all of its deflate-raw, got only its beginning")
    if inflate.unused_data:
        raise BadMessage(f"packed: expected nothing after its end, got {len(inflate.unused_data)} bytes")
    return data


def cells_of(data: bytes, tile_characters: int) -> dict[str, int]:
    """Counts by cell, from the records of tiles one after the other. Raises BadMessage."""
    cells: dict[str, int] = {}
    named = at = 0
    text = data.decode("latin-1")
    try:
        while at < len(data):
            tile = text[at : at + tile_characters]
            at += tile_characters
            if at > len(data) or not _TILE_CHARACTERS.issuperset(tile):
                raise BadMessage(f"packed: expected a tile of {tile_characters} characters, got {tile!r}")
            size, at = _read_tile(data, at, tile, cells)
            named += size
    except IndexError:
        raise BadMessage(f"packed: expected more, got an end after {len(data)} bytes") from None
    if named > len(cells):
        raise BadMessage(f"packed: expected each cell once, got {named - len(cells)} twice")
    return cells


def _read_tile(data: bytes, at: int, tile: str, cells: dict[str, int]) -> tuple[int, int]:
    """Set a tile's cells; how many there were, and where the next tile begins."""
    keys = KEYS
    named = 0
    groups, at = _number(data, at)
    for _ in range(groups):
        count, at = _number(data, at)
        size, at = _number(data, at)
        if size > len(keys):
            raise BadMessage(f"packed: expected at most {len(keys)} cells in a group, got {size}")
        named += size
        cell = -1
        for _ in range(size):
            # Nearly all gaps take one byte or two, and there are thousands: calls would take most of the time.
            gap = data[at]
            at += 1
            if gap > 127:
                high = data[at]
                if 0 < high < 128:
                    gap += (high << 7) - 128
                    at += 1
                else:
                    gap, at = _number(data, at - 1)
            cell += gap + 1
            if cell > 1023:
                raise BadMessage(f"packed: expected cells from 0 to 1023, got {cell}")
            cells[tile + keys[cell]] = count
    return named, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 in as few bytes as it needs, and where the next thing begins."""
    byte = data[at]
    if byte < 128:
        return byte, at + 1
    number = shift = 0
    start = at
    while byte > 127:
        number |= (byte & 127) << shift
        shift += 7
        at += 1
        if at - start == _MAX_NUMBER_BYTES:
            raise BadMessage(f"packed: expected a number of at most {_MAX_NUMBER_BYTES} bytes at {start}")
        byte = data[at]
    if byte == 0:
        raise BadMessage(f"packed: expected a number without needless bytes at {start}")
    return number | byte << shift, at + 1
