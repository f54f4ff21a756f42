"""Frames: what viewers are sent.

A tile's fragment, `"s14mk":{"2x":3,"31":0}`, is encoded once; a viewer's message is a join of the fragments that its
viewport covers. A frame too large for one message is split by tile. The fields are described in `docs/protocol.md`.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from heatmap.cells import TILE_CHARACTERS, TileRange
from heatmap.state import Changes, Stamp, View
from heatmap.times import rfc3339
from heatmap.viewports import Viewport

# API Gateway meters and frames WebSocket messages in units of 32 KB; the rest is room for the fields around the tiles.
MAX_MESSAGE_BYTES = 32_000
_ROOM_FOR_FIELDS = 600


class Fragment(msgspec.Struct, frozen=True):
    """A tile's part of a frame, encoded.

    Attributes:
        cells: `"tile":{"cell":count,…}`.
        previous: `"tile":rev`, the revision of the tile's fragment before this one.
    """

    cells: str
    previous: str


def fragments(cells: Mapping[str, int], previous: Callable[[str], int]) -> dict[str, Fragment]:
    """Each tile's fragment.

    Args:
        cells: counts by cell, all of one precision.
        previous: the revision of a tile's fragment before this one.
    """
    tiles: dict[str, list[str]] = {}
    for cell, count in cells.items():
        tile = cell[:-TILE_CHARACTERS]
        entry = f'"{cell[-TILE_CHARACTERS:]}":{count}'
        if tile in tiles:
            tiles[tile].append(entry)
        else:
            tiles[tile] = [entry]
    return {
        tile: Fragment(f'"{tile}":{{{",".join(entries)}}}', f'"{tile}":{previous(tile)}')
        for tile, entries in tiles.items()
    }


def snapshot(viewport: Viewport, view: View, now: int) -> list[str]:
    """The messages of a snapshot: all cells of a viewport that hold drivers."""
    held = {cell: count for cell, count in view.cells.items() if count}
    covered = covered_fragments(viewport.tiles, fragments(held, lambda _tile: 0))
    fields = f'"subscription":"{viewport.subscription}",{_stamped(viewport.city, viewport.precision, view.stamp, now)}'
    return _in_parts("snapshot", fields, covered, with_previous=False)


def resumed(viewport: Viewport, view: View, now: int) -> list[str]:
    """The messages of a delta that brings a viewer from `view.since` to now; one even if nothing changed."""
    covered = covered_fragments(viewport.tiles, fragments(view.cells, lambda _tile: view.since))
    fields = f'"subscription":"{viewport.subscription}","resumed":true,'
    fields += _stamped(viewport.city, viewport.precision, view.stamp, now)
    return _in_parts("delta", fields, covered, with_previous=True)


def deltas(city: str, stamp: Stamp, changes: Changes, now: int) -> dict[str, list[str]]:
    """The messages for each viewport in which something changed, by the viewport's extent."""
    encoded = fragments(changes.cells, changes.previous.__getitem__)
    fields = _stamped(city, changes.precision, stamp, now)
    messages = {}
    for extent in changes.viewports:
        south_west, _, north_east = extent.partition("-")
        covered = covered_fragments(TileRange(south_west, north_east), encoded)
        if covered:
            messages[extent] = [_delta(fields, group) for group in _groups(covered)]
    return messages


def heartbeat(city: str, precision: int, stamp: Stamp, now: int) -> str:
    """What a viewer gets instead of a frame when its viewport has not changed for a while."""
    return f'{{"type":"heartbeat",{_stamped(city, precision, stamp, now)}}}'


def covered_fragments(tiles: TileRange, encoded: Mapping[str, Fragment]) -> list[Fragment]:
    """The fragments of the tiles in a rectangle, in a fixed order."""
    if tiles.count() < len(encoded):
        return [encoded[tile] for tile in tiles.tiles() if tile in encoded]
    return [encoded[tile] for tile in sorted(encoded) if tiles.holds(tile)]


def _stamped(city: str, precision: int, stamp: Stamp, now: int) -> str:
    # Without any event yet there is nothing to lag behind.
    lag_ms = max(0, now - stamp.last_event) if stamp.last_event else 0
    return (
        f'"city":"{city}","precision":{precision},"epoch":"{stamp.epoch}","rev":{stamp.rev},'
        f'"as_of":"{rfc3339(now)}","lag_ms":{lag_ms},"drivers":{stamp.live}'
    )


def _in_parts(kind: str, fields: str, covered: list[Fragment], *, with_previous: bool) -> list[str]:
    """Messages that only count together: each says which of how many it is."""
    groups = list(_groups(covered)) or [[]]
    return [
        f'{{"type":"{kind}","part":{part},"parts":{len(groups)},{fields},{_tiles(group, with_previous=with_previous)}}}'
        for part, group in enumerate(groups, start=1)
    ]


def _delta(fields: str, group: list[Fragment]) -> str:
    return f'{{"type":"delta",{fields},{_tiles(group, with_previous=True)}}}'


def _tiles(group: list[Fragment], *, with_previous: bool) -> str:
    cells = f'"tiles":{{{",".join(fragment.cells for fragment in group)}}}'
    if not with_previous:
        return cells
    return f'{cells},"prev":{{{",".join(fragment.previous for fragment in group)}}}'


def _groups(covered: Iterable[Fragment]) -> Iterable[list[Fragment]]:
    """Runs of fragments that fit into a message each. Everything in them is ASCII: characters are bytes."""
    group: list[Fragment] = []
    size = 0
    for fragment in covered:
        length = len(fragment.cells) + len(fragment.previous) + 2
        if group and size + length > MAX_MESSAGE_BYTES - _ROOM_FOR_FIELDS:
            yield group
            group, size = [], 0
        group.append(fragment)
        size += length
    if group:
        yield group
