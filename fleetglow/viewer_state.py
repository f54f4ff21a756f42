"""What is known of one viewport, and how messages change it: no I/O, so that every order of arrival can be tested.

Each tile has a revision. A delta tells, per tile, on which revision it builds; one that builds on a later revision than
ours reveals a gap, and we ask for what changed since. Messages may come twice, late or out of order.
"""

from collections.abc import Iterable
from enum import Enum

from fleetglow.protocol import Ack, Delta, Frame, Heartbeat, Message, Refusal, Since, Snapshot, Subscribe, Tiles
from heatmap.cells import BBox
from heatmap.errors import InvalidInput
from heatmap.viewports import from_subscription

# A viewer who waits for an answer longer than this many deltas (minutes) is better served by a snapshot.
MOST_WAITING = 64


class Ask(Enum):
    """What the server must be asked for after a message."""

    NOTHING = "nothing"
    RESUME = "what changed since"
    SNAPSHOT = "everything"


class ViewerState:
    """The cells of a viewport and the revisions that they are at.

    Attributes:
        tiles: counts by tile and key of the cells that hold drivers; never 0, never an empty tile.
        epoch: of the city's state; None until the first snapshot is complete, and after the state was born anew.
        revs: the revision of every tile of the viewport.
        rev, drivers: the latest revision of the city heard of, and its live drivers then.
    """

    def __init__(self, city: str, precision: int, bbox: BBox | None = None) -> None:
        self.city = city
        self.precision = precision
        self.bbox = bbox
        self.subscription: str | None = None
        self.tiles: Tiles = {}
        self.epoch: str | None = None
        self.revs: dict[str, int] = {}
        self.rev = 0
        self.drivers = 0
        self._parts: dict[int, Frame] = {}
        self._waiting: list[Delta] = []

    def subscribe(self) -> Subscribe:
        """What to send to be brought up to date: after connecting, and whenever `receive` says so."""
        box = self.bbox
        return Subscribe(
            city=self.city,
            precision=self.precision,
            bbox=(box.south, box.west, box.north, box.east) if box else None,
            since=Since(self.epoch, min(self.revs.values())) if self.epoch and self.revs else None,
        )

    def cells(self) -> dict[str, int]:
        """Counts by geohash of all cells that hold drivers."""
        return {tile + key: count for tile, counts in self.tiles.items() for key, count in counts.items()}

    @property
    def is_awaiting_parts(self) -> bool:
        return bool(self._parts)

    def receive(self, message: Message) -> Ask:
        """Apply one message; one that concerns something else changes nothing."""
        match message:
            case Ack():
                if message.action == "subscribe":
                    self._learn_extent(message.subscription)
                return Ask.NOTHING
            case Refusal():
                return Ask.NOTHING
        if (message.city, message.precision) != (self.city, self.precision):
            return Ask.NOTHING
        match message:
            case Heartbeat():
                return self._hear(message)
            case Delta(resumed=False):
                return self._apply_delta(message)
            case Snapshot() | Delta():
                return self._take_part(message)

    def _learn_extent(self, subscription: str) -> None:
        """The first answer of the server tells which tiles the viewport has."""
        if self.subscription is not None:
            return
        try:
            viewport = from_subscription(subscription)
        except InvalidInput:
            return
        if (viewport.city, viewport.precision) == (self.city, self.precision):
            self.subscription = subscription
            self.revs = dict.fromkeys(viewport.tiles.tiles(), 0)

    def _hear(self, heartbeat: Heartbeat) -> Ask:
        if self.epoch is not None and heartbeat.epoch != self.epoch:
            return self._start_over()
        if self.epoch is not None:
            self._note(heartbeat)
        return Ask.NOTHING

    def _start_over(self) -> Ask:
        """The state we know is gone; what is shown stays until the snapshot of the new one is in."""
        self.epoch = None
        self.rev = 0
        self.revs = dict.fromkeys(self.revs, 0)
        self._parts.clear()
        self._waiting.clear()
        return Ask.SNAPSHOT

    def _note(self, message: Frame | Heartbeat) -> None:
        """Take what a message says of the whole city, unless something later is known."""
        if message.rev >= self.rev:
            self.rev, self.drivers = message.rev, message.drivers

    def _apply_delta(self, delta: Delta) -> Ask:
        if self.epoch is None:
            self._wait(delta)
            return Ask.NOTHING
        if delta.epoch != self.epoch:
            ask = self._start_over()
            self._wait(delta)
            return ask
        gap = False
        for tile, changed in delta.tiles.items():
            known = self.revs.get(tile)
            if known is None or known >= delta.rev:
                continue
            previous = delta.prev.get(tile)
            if previous is None or known < previous:
                gap = True
                continue
            self._set(tile, self.tiles.get(tile, {}) | changed, delta.rev)
        self._note(delta)
        if gap:
            self._wait(delta)
            return Ask.RESUME
        return Ask.NOTHING

    def _wait(self, delta: Delta) -> None:
        self._waiting = [*self._waiting, delta][-MOST_WAITING:]

    def _set(self, tile: str, counts: dict[str, int], rev: int) -> None:
        self.revs[tile] = rev
        held = {key: count for key, count in counts.items() if count > 0}
        if held:
            self.tiles[tile] = held
        else:
            self.tiles.pop(tile, None)

    def _take_part(self, message: Frame) -> Ask:
        """Collect the parts of a snapshot or of a resume's answer, and apply them when all are in."""
        self._learn_extent(message.subscription)
        if message.subscription != self.subscription:
            return Ask.NOTHING
        begun = next(iter(self._parts.values()), None)
        if begun and _frame_of(begun) != _frame_of(message):
            if begun.epoch == message.epoch and begun.rev > message.rev:
                return Ask.NOTHING
            self._parts.clear()
        self._parts[message.part] = message
        if len(self._parts) < message.parts:
            return Ask.NOTHING
        received = _joined(self._parts.values())
        self._parts.clear()
        if isinstance(message, Snapshot):
            self._apply_snapshot(message, received)
        elif self.epoch is None:
            return Ask.NOTHING
        elif message.epoch != self.epoch:
            return self._start_over()
        else:
            self._apply_resumed(message, received)
        return self._replay()

    def _apply_snapshot(self, message: Snapshot, received: Tiles) -> None:
        same_epoch = message.epoch == self.epoch
        if not same_epoch:
            self.epoch = message.epoch
            self.rev = 0
        for tile, rev in self.revs.items():
            # A delta may have overtaken the snapshot: what is later stays.
            if not same_epoch or rev < message.rev:
                self._set(tile, received.get(tile, {}), message.rev)
        self._note(message)

    def _apply_resumed(self, message: Delta, received: Tiles) -> None:
        """Every tile is now at the message's revision: one that it does not name has not changed."""
        for tile, rev in self.revs.items():
            if rev < message.rev:
                self._set(tile, self.tiles.get(tile, {}) | received.get(tile, {}), message.rev)
        self._note(message)

    def _replay(self) -> Ask:
        """Apply the deltas that waited for the frame just applied; a gap that is still there is asked about again."""
        waiting, self._waiting = self._waiting, []
        asks = [
            self._apply_delta(delta)
            for delta in sorted(waiting, key=lambda delta: delta.rev)
            if delta.epoch == self.epoch
        ]
        return Ask.RESUME if Ask.RESUME in asks else Ask.NOTHING


def _frame_of(part: Frame) -> tuple[type[Frame], str, int, int]:
    """What all parts of one frame have in common."""
    return type(part), part.epoch, part.rev, part.parts


def _joined(parts: Iterable[Frame]) -> Tiles:
    return {tile: counts for part in parts for tile, counts in part.tiles.items()}
