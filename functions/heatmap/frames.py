"""Frames: what viewers are sent. The fields are described in `docs/protocol.md`.

A tile is encoded once; a viewer's message is a join of the tiles that its viewport covers. Each message names the
revision of the one before it, so that a viewer notices when one is missing. A frame too large for one message is split
by tile.
"""

from collections.abc import Callable
from enum import StrEnum

from heatmap.cells import TileRange
from heatmap.packed import deflated
from heatmap.state import Stamp
from heatmap.tiles import Tiles
from heatmap.times import rfc3339
from heatmap.viewports import Viewport

# API Gateway meters and frames WebSocket messages in units of 32 KB; the rest is room for the fields around the tiles.
MAX_MESSAGE_BYTES = 32_000
_MOST_FOR_TILES = MAX_MESSAGE_BYTES - 600


class Encoding(StrEnum):
    """How a viewer wants the tiles of its frames."""

    JSON = "json"
    DEFLATE = "deflate"

    # As equal text has it; an enumeration's own is a function in Python, called for each message.
    __hash__ = str.__hash__


class _Covered:
    """What lies in a viewport, shared by all viewports in which the same lies.

    Attributes:
        tiles: their names.
        bodies: their text by encoding, made when it is first wanted; several where one would be too large.
    """

    __slots__ = ("bodies", "tiles")

    def __init__(self, tiles: tuple[str, ...]) -> None:
        self.tiles = tiles
        self.bodies: dict[Encoding, list[str]] = {}


class Frames:
    """The frames of one city at one precision at one moment.

    Args:
        tiles: of a snapshot all that hold drivers, of a delta what changed.
        now: UTC milliseconds.
    """

    def __init__(self, city: str, precision: int, stamp: Stamp, tiles: Tiles, now: int) -> None:
        self._tiles = tiles
        # Many viewports cover the same of these tiles: all of them, or those at the edge of the town.
        self._covered: dict[tuple[str, ...], _Covered] = {}
        self._by_range: dict[TileRange, _Covered] = {}
        # Without any event yet there is nothing to lag behind.
        lag_ms = max(0, now - stamp.last_event) if stamp.last_event else 0
        self._place = f'"city":"{city}","precision":{precision},"epoch":"{stamp.epoch}"'
        self._moment = f'"rev":{stamp.rev},"as_of":"{rfc3339(now)}","lag_ms":{lag_ms},"drivers":{stamp.live}'

    def touch(self, viewport: Viewport) -> bool:
        """Whether any of the tiles lies in a viewport."""
        return bool(self._within(viewport).tiles)

    def snapshot(self, viewport: Viewport, encoding: Encoding) -> list[str]:
        """The messages that tell all of a viewport's cells."""
        return self._messages(f'{{"type":"snapshot",{self._fields(viewport)}', viewport, encoding)

    def delta(self, viewport: Viewport, prev: int, encoding: Encoding) -> list[str]:
        """The messages that bring a viewport from revision `prev` to now; one even if nothing changed."""
        return self._messages(f'{{"type":"delta",{self._fields(viewport, prev)}', viewport, encoding)

    def heartbeat(self, viewport: Viewport, prev: int) -> str:
        """What a viewer gets instead of a frame when its viewport has not changed for a while."""
        return f'{{"type":"heartbeat",{self._fields(viewport, prev)}}}'

    def _fields(self, viewport: Viewport, prev: int | None = None) -> str:
        chain = "" if prev is None else f'"prev":{prev},'
        return f'"subscription":"{viewport.subscription}",{self._place},{chain}{self._moment}'

    def _messages(self, head: str, viewport: Viewport, encoding: Encoding) -> list[str]:
        bodies = self._encoded(self._within(viewport), encoding)
        if len(bodies) == 1:
            return [f"{head},{bodies[0]}}}"]
        # Messages that only count together: each says which of how many it is.
        return [f'{head},"part":{n},"parts":{len(bodies)},{body}}}' for n, body in enumerate(bodies, start=1)]

    def _within(self, viewport: Viewport) -> _Covered:
        covered = self._by_range.get(viewport.tiles)
        if covered is None:
            tiles = self._tiles.within(viewport.tiles)
            covered = self._covered.get(tiles)
            if covered is None:
                covered = self._covered[tiles] = _Covered(tiles)
            self._by_range[viewport.tiles] = covered
        return covered

    def _encoded(self, covered: _Covered, encoding: Encoding) -> list[str]:
        bodies = covered.bodies.get(encoding)
        if bodies is None:
            encode = self._packed if encoding is Encoding.DEFLATE else self._json
            bodies = covered.bodies[encoding] = encode(covered.tiles)
        return bodies

    def _json(self, tiles: tuple[str, ...]) -> list[str]:
        return _within_limit(list(map(self._tiles.json, tiles)), lambda some: f'"tiles":{{{",".join(some)}}}')

    def _packed(self, tiles: tuple[str, ...]) -> list[str]:
        return _within_limit(list(map(self._tiles.packed, tiles)), lambda some: f'"packed":"{deflated(some)}"')


def _within_limit[T](tiles: list[T], encode: Callable[[list[T]], str]) -> list[str]:
    """The encoded tiles, halved until each piece fits into a message. All of it is ASCII: characters are bytes."""
    encoded = encode(tiles)
    if len(encoded) <= _MOST_FOR_TILES or len(tiles) == 1:
        return [encoded]
    half = len(tiles) // 2
    return _within_limit(tiles[:half], encode) + _within_limit(tiles[half:], encode)
