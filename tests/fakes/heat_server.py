"""The server's side of the live protocol for one viewport, with the application's own frames and no network."""

from fleetglow.protocol import Ack, Message, Subscribe, decode
from heatmap.cells import TILE_CHARACTERS, BBox
from heatmap.cities import cities
from heatmap.frames import deltas, heartbeat, resumed, snapshot
from heatmap.state import Changes, Stamp, View
from heatmap.viewports import viewport

NOW = 1_767_225_600_000
CITY = "lagos"
PRECISION = 7
# Two by two tiles on Lagos Island.
BOX = BBox(6.42, 3.38, 6.47, 3.43)


class FakeHeatServer:
    """Holds counts, and gives the messages that a viewer of `BOX` is owed; `log` is all that ticks ever sent."""

    def __init__(self) -> None:
        self.viewport = viewport(CITY, PRECISION, BOX, cities(), (5, 6, 7))
        self.tiles = self.viewport.tiles.tiles()
        self.epoch = "e1"
        self._be_born()

    def _be_born(self) -> None:
        self.rev = 1
        self.counts: dict[str, int] = {}
        self._changed_at: dict[str, int] = {}
        self._fragment_at: dict[str, int] = {}
        self._ticked = 1

    @property
    def cells(self) -> dict[str, int]:
        """Counts of the cells that hold drivers."""
        return {cell: count for cell, count in self.counts.items() if count}

    def change(self, changes: dict[str, int]) -> None:
        """Set the counts of cells, in one new revision."""
        self.rev += 1
        for cell, count in changes.items():
            self.counts[cell] = count
            self._changed_at[cell] = self.rev

    def lose_state(self) -> None:
        self.epoch = f"e{int(self.epoch[1:]) + 1}"
        self._be_born()

    def tick(self) -> list[Message]:
        """The deltas, at most one, for what changed since the last tick."""
        changed = {cell: self.counts[cell] for cell, rev in self._changed_at.items() if rev > self._ticked}
        tiles = {cell[:-TILE_CHARACTERS] for cell in changed}
        previous = {tile: self._fragment_at.get(tile, 0) for tile in tiles}
        self._fragment_at |= dict.fromkeys(tiles, self.rev)
        self._ticked = self.rev
        changes = Changes(PRECISION, [self.viewport.extent], changed, previous)
        return _decoded(deltas(CITY, self._stamp(), changes, NOW).get(self.viewport.extent, []))

    def answer(self, subscribe: Subscribe) -> list[Message]:
        """The ack and the frame that a subscribe is answered with."""
        since = subscribe.since
        if since and since.epoch == self.epoch:
            changed = {cell: self.counts[cell] for cell, rev in self._changed_at.items() if rev > since.rev}
            frame = resumed(self.viewport, View(self._stamp(), since.rev, changed), NOW)
        else:
            frame = snapshot(self.viewport, View(self._stamp(), 0, self.counts), NOW)
        return [Ack("subscribe", self.viewport.subscription, self.epoch, self.rev), *_decoded(frame)]

    def heartbeat(self) -> Message:
        return _decoded([heartbeat(CITY, PRECISION, self._stamp(), NOW)])[0]

    def _stamp(self) -> Stamp:
        return Stamp(self.epoch, self.rev, sum(self.counts.values()), NOW)


def _decoded(messages: list[str]) -> list[Message]:
    return [message for message in map(decode, messages) if message]
