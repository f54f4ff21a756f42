"""Packed tiles: a quarter to a seventh of their JSON, for viewers that ask for `"encoding":"deflate"`.

A tile's record is joined into messages as it is, so it is made once however many viewports cover the tile. It groups
cells by count, because most hold one driver or two, and writes each group as ascending gaps. `docs/protocol.md` has the
format.
"""

import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping

from heatmap.cells import ALPHABET

# Without a header, and with a window of 4 KB: who does not search needs none, and the 256 KB that the defaults take can
# cost more than the deflating.
_RAW = -12
_MEMORY = 7

_NUMBERS = {a + b: 32 * i + j for i, a in enumerate(ALPHABET) for j, b in enumerate(ALPHABET)}


def packed_tile(tile: str, counts: Mapping[str, int]) -> bytes:
    """A tile's record.

    Args:
        counts: drivers by the last two characters of the cell; 0 means it went empty.
    """
    groups: dict[int, list[int]] = {}
    for key, count in counts.items():
        groups.setdefault(count, []).append(_NUMBERS[key])
    record = bytearray(tile.encode())
    _write(record, len(groups))
    for count in sorted(groups):
        numbers = sorted(groups[count])
        _write(record, count)
        _write(record, len(numbers))
        following = 0
        for number in numbers:
            _write(record, number - following)
            following = number + 1
    return bytes(record)


def deflated(records: Iterable[bytes]) -> str:
    """Records as text: base64 of deflate-raw."""
    # Gaps hardly repeat: without a search for what does, a snapshot is 7 % smaller, a delta 1 % larger, both faster.
    deflate = zlib.compressobj(wbits=_RAW, memLevel=_MEMORY, strategy=zlib.Z_HUFFMAN_ONLY)
    return b64encode(deflate.compress(b"".join(records)) + deflate.flush()).decode()


def _write(record: bytearray, number: int) -> None:
    """Append an unsigned LEB128."""
    while number > 127:
        record.append(number & 127 | 128)
        number >>= 7
    record.append(number)
