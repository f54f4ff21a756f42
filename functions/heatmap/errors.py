"""Everything that Fleetglow can refuse.

FleetglowError            code, message
├── InvalidInput          something a caller sent is malformed or out of range      -> 400, socket error
│   └── TooLarge          more than the interface takes                             -> 413, socket error
├── NotAllowed            the caller is not entitled to it                          -> 403
│   └── Expired           the token is over                                         -> 401
├── RateLimited           a driver's pings come faster than they are taken          -> 429, or of a single ping
├── TooManyConnections    a token's subject has as many as it may                   -> 429 at the handshake
├── PoisonRecord          a stream record that no retry can make readable           -> failure queue
├── StaleLease            another broadcaster has taken over                        -> the round ends
├── Misconfigured         a setting of ours is missing or makes no sense            -> the function fails
└── Unavailable           a part we depend on did not answer in time                -> 503, retried
    └── Refused           the live state's scripts fail on what they were given     -> as PoisonRecord

The mapping to HTTP and to WebSocket answers stands in `adapters/http.py` and `adapters/websocket.py`.
"""

import json
from typing import Any

# A refused value is shown, but never at a length that would flood a log or an answer.
SHOWN_CHARACTERS = 80


class FleetglowError(Exception):
    """Base of all errors that a caller may want to catch.

    Attributes:
        code: a stable word for programs, such as `out_of_range`.
    """

    code: str

    @property
    def told(self) -> str:
        """What a caller is told of it."""
        return str(self)


class InvalidInput(FleetglowError):
    """Names the field at fault, what was expected and what came."""

    code = "invalid"

    def __init__(self, field: str, expected: str, got: object, code: str = "invalid") -> None:
        super().__init__(f"{field}: expected {expected}, got {shown(got)}")
        self.field = field
        self.code = code


class TooLarge(InvalidInput):
    """More than the interface takes at once."""

    def __init__(self, field: str, expected: str, got: object) -> None:
        super().__init__(field, expected, got, code="too_large")


class NotAllowed(FleetglowError):
    """The caller is known, and may not do this."""

    code = "forbidden"


class Expired(NotAllowed):
    """The caller's token is over: with a new one they may go on."""

    code = "expired"


class RateLimited(FleetglowError):
    """A driver's pings come faster than they are taken.

    Attributes:
        retry_after_ms: when this one would have been taken.
    """

    code = "rate_limited"

    def __init__(self, allowed: str, retry_after_ms: int) -> None:
        super().__init__(f"driver_id: expected {allowed}, got a ping {retry_after_ms} ms too early")
        self.retry_after_ms = retry_after_ms


class TooManyConnections(FleetglowError):
    """A token's subject has as many WebSocket connections as it may."""

    code = "too_many_connections"

    def __init__(self, most: int) -> None:
        super().__init__(f"sub: expected at most {most} connections at once, got one more")


class PoisonRecord(FleetglowError):
    """A stream record that is not one of ours or is broken: no retry can help it."""

    code = "poison_record"


class StaleLease(FleetglowError):
    """Another broadcaster holds the lease now."""

    code = "stale_lease"


class Misconfigured(FleetglowError):
    """A setting of ours is missing or makes no sense: no caller can do anything about it, or is told of it."""

    code = "misconfigured"

    def __init__(self, setting: str, expected: str, got: object) -> None:
        super().__init__(f"{setting}: expected {expected}, got {shown(got)}")


class Unavailable(FleetglowError):
    """A part that we depend on did not answer in time.

    Args:
        what: did not, in words for callers.
        cause: why, as far as known. It is for the log alone, since it may name hosts, accounts and roles.
    """

    code = "unavailable"

    def __init__(self, what: str, cause: object = None) -> None:
        super().__init__(what if cause is None else f"{what}: {cause}")
        self._what = what

    @property
    def told(self) -> str:
        return self._what


class Refused(Unavailable):
    """The live state answered, but its script fails on these arguments, as it will whenever they come again."""


class Literal(str):
    """A description of what came, to be shown as it is instead of quoted."""

    __slots__ = ()


def shown(value: Any) -> str:
    """A refused value as one short printable piece of text, as JSON writes it."""
    text = str(value) if isinstance(value, Literal) else json.dumps(value, default=repr)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
