"""A copy of a city's cells, kept in step by asking only for what changed.

Every new viewer wants the cells of its viewport. Reading them all from the live state each time would cost it some
milliseconds of a single thread that all drivers and viewers share.
"""

from heatmap.state import View
from heatmap.tiles import Tiles


class Mirror:
    """The cells of one city at one precision that hold drivers.

    Attributes:
        epoch, rev: up to where the copy is in step; what changed since is to be asked for.
    """

    def __init__(self) -> None:
        self.epoch = ""
        self.rev = 0
        self.tiles = Tiles({})

    def take(self, view: View) -> None:
        """Apply the answer to the question what changed since `rev` of `epoch`."""
        if view.since == 0:
            self.tiles = Tiles({cell: count for cell, count in view.cells.items() if count})
        else:
            self.tiles.update(view.cells)
        self.epoch, self.rev = view.stamp.epoch, view.stamp.rev
