"""What is known of one viewport, and how messages change it: no I/O, so that every order of arrival can be tested.

The messages of a viewport form a chain: each names the revision of the one before it. One that builds on a later
revision than ours reveals that something was missed; it waits until what closes the gap is in. Counts are absolute, so
a message may come twice or late and does no harm.
"""

from datetime import datetime

from msgspec.structs import replace

from fleetglow.protocol import Delta, Frame, Heartbeat, Since, Snapshot, ViewportMessage

# A viewer who waits for an answer longer than this many messages (minutes) needs another one anyway.
MOST_WAITING = 64
# Frames of which only some parts are in; more than one at a time is already rare.
MOST_BEGUN = 4


type _FrameKey = tuple[type[Frame], str, int | None, int, int, datetime]
"""What all parts of a frame have in common."""


class ViewerState:
    """The cells of a viewport at one revision.

    Attributes:
        cells: drivers by geohash of the cells that hold any; never 0.
        epoch: of the city's state; None until the first snapshot is complete.
        rev: the revision that the viewport is at.
        drivers: live drivers in the whole city.
        as_of: when the server read what is shown, or last said that it still holds; None before the first snapshot.
        lag_ms: how long before `as_of` the newest applied ping was received.
        frames: snapshots and deltas that were applied; `snapshots` of them were snapshots.
        gaps: how often it showed that something was missed.
    """

    def __init__(self) -> None:
        self.cells: dict[str, int] = {}
        self.epoch: str | None = None
        self.rev = 0
        self.drivers = 0
        self.as_of: datetime | None = None
        self.lag_ms: int | None = None
        self.frames = 0
        self.snapshots = 0
        self.gaps = 0
        self._is_reborn = False
        self._waiting: list[Delta | Heartbeat] = []
        self._begun: dict[_FrameKey, dict[int, Frame]] = {}

    @property
    def is_behind(self) -> bool:
        """Whether the server must be asked for what changed after `since`, or for everything."""
        return self.epoch is None or self._is_reborn or bool(self._waiting)

    @property
    def since(self) -> Since | None:
        """From where to go on; None if only a snapshot helps."""
        return None if self.epoch is None or self._is_reborn else Since(self.epoch, self.rev)

    def forget(self) -> None:
        """Start over; what is shown stays until the next snapshot is in."""
        self.epoch = None
        self.rev = 0
        self._is_reborn = False
        self._waiting.clear()
        self._begun.clear()

    def receive(self, message: ViewportMessage) -> bool:
        """Take in a message of this viewport; whether it brought the viewport further."""
        was_behind = self.is_behind
        is_further = self._take(message)
        if self.is_behind and not was_behind:
            self.gaps += 1
        return is_further

    def _take(self, message: ViewportMessage) -> bool:
        if self._is_old(message):
            if message.rev == self.rev and self.as_of is not None and message.as_of > self.as_of:
                self._stamp(message)
            return False
        match message:
            case Snapshot():
                snapshot = self._assembled(message)
                return snapshot is not None and self._replace(snapshot)
            case Delta():
                delta = self._assembled(message)
                return delta is not None and self._continue(delta)
            case Heartbeat():
                return self._continue(message)

    def _is_old(self, message: ViewportMessage) -> bool:
        """Whether it tells nothing new of the cells; a snapshot of our own revision does, should ours be wrong."""
        if message.epoch != self.epoch:
            return False
        return message.rev < self.rev if isinstance(message, Snapshot) else message.rev <= self.rev

    def _assembled[F: (Snapshot, Delta)](self, part: F) -> F | None:
        """The frame that a part completes."""
        if part.parts == 1:
            return part
        # Two frames between the same revisions may be cut differently; those made at one moment are one frame.
        prev = part.prev if isinstance(part, Delta) else None
        frame = (type(part), part.epoch, prev, part.rev, part.parts, part.as_of)
        parts = self._begun.setdefault(frame, {})
        parts[part.part] = part
        if len(parts) < part.parts:
            if len(self._begun) > MOST_BEGUN:
                del self._begun[next(iter(self._begun))]
            return None
        del self._begun[frame]
        cells = {cell: count for each in parts.values() for cell, count in each.cells.items()}
        return replace(part, cells=cells, part=1, parts=1)

    def _replace(self, snapshot: Snapshot) -> bool:
        self.cells = {cell: count for cell, count in snapshot.cells.items() if count}
        self.epoch = snapshot.epoch
        self.rev = snapshot.rev
        self._is_reborn = False
        self._stamp(snapshot)
        self.frames += 1
        self.snapshots += 1
        self._catch_up()
        return True

    def _continue(self, message: Delta | Heartbeat) -> bool:
        """Apply what builds on what we have; keep what builds on something later, or on another state."""
        if message.epoch == self.epoch and message.prev <= self.rev:
            self._apply(message)
            self._catch_up()
            return True
        if self.epoch is not None and message.epoch != self.epoch:
            self._is_reborn = True
        self._waiting = [*self._waiting, message][-MOST_WAITING:]
        return False

    def _apply(self, message: Delta | Heartbeat) -> None:
        if isinstance(message, Delta):
            for cell, count in message.cells.items():
                if count:
                    self.cells[cell] = count
                else:
                    self.cells.pop(cell, None)
            self.frames += 1
        self.rev = message.rev
        self._stamp(message)

    def _stamp(self, message: ViewportMessage) -> None:
        self.drivers, self.as_of, self.lag_ms = message.drivers, message.as_of, message.lag_ms

    def _catch_up(self) -> None:
        """Apply what waited for the message just applied, and forget what is of no use any more."""
        if self._waiting:
            for message in sorted(self._waiting, key=lambda message: message.rev):
                if message.epoch == self.epoch and message.prev <= self.rev < message.rev:
                    self._apply(message)
            self._waiting = [each for each in self._waiting if self._is_reborn or self._is_ahead(each)]
        if self._begun:
            self._begun = {
                frame: parts for frame, parts in self._begun.items() if not self._is_old(next(iter(parts.values())))
            }

    def _is_ahead(self, message: Delta | Heartbeat) -> bool:
        return message.epoch == self.epoch and message.rev > self.rev
