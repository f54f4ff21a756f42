"""A viewport that a client watches: what is known of it, and how the traffic that tells of it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import uniform

from fleetglow.errors import Refused
from fleetglow.protocol import Ack, Box, Encoding, ViewportMessage
from fleetglow.viewer_state import ViewerState

DEFAULT_HEARTBEAT_S = 15.0
# The server is never silent for longer than its heartbeat; after half as long again it may have lost all it knew of us.
HEARTBEATS_MISSED = 1.5
# Whoever watched when it did finds out in the same moment: they ask one after the other, over so many heartbeats.
SPREAD_HEARTBEATS = 1.0


@dataclass(eq=False)
class Feed:
    """One viewport, over one connection after another.

    Attributes:
        changed: called after everything that may be seen of it.
        subscription: its name, once the server has told it.
        refusal: why the server does not let us watch it; it is over then.
        heartbeat_s: how long the server is silent at most.
        min_cell_drivers: the least count, other than 0, that the token is shown; 1 if counts are exact.
        heard_at: when something of it came, or was promised, last.
        received_at: when its last message came; None before the first.
        delay_ms: how long its last message was on its way, by the two clocks; None before the first.
        resumes: how often it was asked for what changed since some revision.
        heartbeats_missed: how many of them may fail to come before it is asked for again.
    """

    city: str
    precision: int
    bbox: Box | None
    encoding: Encoding
    changed: Callable[[], None]
    state: ViewerState = field(default_factory=ViewerState)
    subscription: str | None = None
    refusal: Refused | None = None
    heartbeat_s: float = DEFAULT_HEARTBEAT_S
    min_cell_drivers: int = 1
    heard_at: float = 0.0
    received_at: float | None = None
    delay_ms: float | None = None
    resumes: int = 0
    heartbeats_missed: float = field(
        default_factory=lambda: uniform(HEARTBEATS_MISSED, HEARTBEATS_MISSED + SPREAD_HEARTBEATS)  # noqa: S311
    )

    @property
    def silent_from(self) -> float:
        """The moment from which silence means that the server may have lost us."""
        return self.heard_at + self.heartbeats_missed * self.heartbeat_s

    def begin(self, ack: Ack, now: float) -> None:
        """The server has taken it. What was known of a viewport of another name is of no use in it."""
        if self.subscription not in {None, ack.subscription}:
            self.state.forget()
        self.subscription = ack.subscription
        self.heartbeat_s = ack.heartbeat_seconds or self.heartbeat_s
        self.min_cell_drivers = ack.min_cell_drivers
        self.heard_at = now

    def receive(self, message: ViewportMessage, now: float, wall_ms: float) -> bool:
        """Take in a message; whether it brought the viewport further. The times are those of its arrival."""
        is_further = self.state.receive(message)
        self.heard_at = self.received_at = now
        self.delay_ms = wall_ms - message.as_of.timestamp() * 1000
        return is_further
