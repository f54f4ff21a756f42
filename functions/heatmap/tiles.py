"""Cells by tile, each tile encoded at most once in each encoding however many viewports cover it."""

from collections.abc import Mapping

from heatmap.cells import TILE_CHARACTERS, TileRange
from heatmap.packed import packed_tile


class Tiles:
    """Counts of cells, all of one precision.

    Attributes:
        counts: drivers by tile and by the last two characters of the cell.
    """

    def __init__(self, cells: Mapping[str, int]) -> None:
        self.counts: dict[str, dict[str, int]] = {}
        self._json: dict[str, str] = {}
        self._packed: dict[str, bytes] = {}
        self._sorted: list[str] | None = None
        for cell, count in cells.items():
            tile, key = cell[:-TILE_CHARACTERS], cell[-TILE_CHARACTERS:]
            if tile in self.counts:
                self.counts[tile][key] = count
            else:
                self.counts[tile] = {key: count}

    def update(self, cells: Mapping[str, int]) -> None:
        """Set cells to their new counts; one that went empty is gone."""
        for cell, count in cells.items():
            tile, key = cell[:-TILE_CHARACTERS], cell[-TILE_CHARACTERS:]
            self._json.pop(tile, None)
            self._packed.pop(tile, None)
            if count:
                self.counts.setdefault(tile, {})[key] = count
            elif key in (held := self.counts.get(tile, {})):
                del held[key]
                if not held:
                    del self.counts[tile]
        self._sorted = None

    def cells(self) -> dict[str, int]:
        """The count of each cell."""
        return {tile + key: count for tile, counts in self.counts.items() for key, count in counts.items()}

    def within(self, wanted: TileRange) -> tuple[str, ...]:
        """The tiles that lie in a rectangle, in the order of their names."""
        # To look up a name takes a tenth of asking where it lies.
        if wanted.count() < 10 * len(self.counts):
            return tuple(sorted(filter(self.counts.__contains__, wanted.tiles())))
        return wanted.holding(self._names())

    def json(self, tile: str) -> str:
        """A tile's fragment: `"tile":{"cell":count,…}`."""
        fragment = self._json.get(tile)
        if fragment is None:
            cells = ",".join([f'"{key}":{count}' for key, count in self.counts[tile].items()])
            fragment = self._json[tile] = f'"{tile}":{{{cells}}}'
        return fragment

    def packed(self, tile: str) -> bytes:
        """A tile's record (see `heatmap/packed.py`)."""
        record = self._packed.get(tile)
        if record is None:
            record = self._packed[tile] = packed_tile(tile, self.counts[tile])
        return record

    def _names(self) -> list[str]:
        if self._sorted is None:
            self._sorted = sorted(self.counts)
        return self._sorted
