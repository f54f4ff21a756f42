"""What a viewer sees at one moment."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fleetglow.feed import DEFAULT_HEARTBEAT_S, HEARTBEATS_MISSED

type Link = Literal["connecting", "connected", "reconnecting"]
"""How it stands with the connection; `reconnecting` once there has been one."""


@dataclass(frozen=True)
class HeatmapView:
    """What is seen of a viewport at one moment.

    Attributes:
        link: of the connection.
        trouble: why there is none at the moment, as far as that is known; None as long as there is one.
        precision: of the cells.
        cells: drivers by geohash of all cells in view that hold any.
        subscription: the viewport's name; None until the server has told it.
        epoch: of the city's state; None until the first snapshot.
        rev: the city's revision that is shown.
        drivers: live drivers in the whole city.
        as_of: when the server read what is shown, or last said that it still holds; None before the first snapshot.
        lag_ms: how long before `as_of` the newest applied ping was received.
        delay_ms: how long the last message was on its way, by this machine's clock and the server's.
        received_at: when the last message came, on `time.monotonic`; None before the first.
        heartbeat_s: how long the server is silent at most.
        min_cell_drivers: the least count, other than 0, that the token is shown; 1 if counts are exact. Else cells of
            fewer drivers are left out, and any count may be too low by less than this.
        frames: snapshots and deltas applied, `snapshots` of them snapshots.
        gaps: how often it showed that something was missed.
        resumes: how often what changed since some revision was asked for: after a gap, a silence or a lost connection.
        connections: how many there were, the present one included.
    """

    link: Link
    precision: int
    cells: dict[str, int] = field(default_factory=dict)
    subscription: str | None = None
    epoch: str | None = None
    rev: int = 0
    drivers: int = 0
    as_of: datetime | None = None
    lag_ms: int | None = None
    delay_ms: float | None = None
    received_at: float | None = None
    heartbeat_s: float = DEFAULT_HEARTBEAT_S
    min_cell_drivers: int = 1
    frames: int = 0
    snapshots: int = 0
    gaps: int = 0
    resumes: int = 0
    connections: int = 0
    trouble: str | None = None

    def is_stale(self, now: float) -> bool:
        """Whether nothing has come for longer than the server is ever silent; `now` is on `time.monotonic`."""
        return self.received_at is not None and now - self.received_at > HEARTBEATS_MISSED * self.heartbeat_s

    def shows_the_same(self, other: "HeatmapView") -> bool:
        """Whether only the moment at which a message came tells it from another view of the same viewport."""
        return self._seen == other._seen

    @property
    def _seen(self) -> tuple[object, ...]:
        # The cells change with frames only.
        counted = (self.frames, self.snapshots, self.gaps, self.resumes, self.connections)
        state = (self.epoch, self.rev, self.drivers, self.as_of, self.lag_ms)
        return (self.link, self.trouble, self.subscription, self.min_cell_drivers, *state, *counted)
