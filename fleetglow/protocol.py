"""The live protocol's messages as a viewer sees them (`docs/protocol.md`): text JSON in both directions."""

import msgspec

type Tiles = dict[str, dict[str, int]]
"""Counts by tile and by the last two characters of the cell; 0 means that the cell went empty."""


class Since(msgspec.Struct, frozen=True):
    """From where a viewer wants to go on."""

    epoch: str
    rev: int


class Subscribe(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="action", tag="subscribe"):
    """Asks for a city's cells in a box [south, west, north, east]; without a box, for all of them."""

    city: str
    precision: int
    bbox: tuple[float, float, float, float] | None = None
    since: Since | None = None


class _Stamped(msgspec.Struct, frozen=True, tag_field="type"):
    """What every frame and heartbeat tells of a city.

    Attributes:
        rev: the city's revision at that moment.
        as_of: when the message was made, RFC 3339.
        lag_ms: how old the newest event was then, milliseconds.
        drivers: live drivers in the whole city.
    """

    city: str
    precision: int
    epoch: str
    rev: int
    as_of: str
    lag_ms: int
    drivers: int


class Snapshot(_Stamped, frozen=True, tag="snapshot"):
    """All cells of a viewport that hold drivers, in `parts` messages."""

    subscription: str
    part: int
    parts: int
    tiles: Tiles


class Delta(_Stamped, frozen=True, tag="delta"):
    """Cells that changed; `prev` is the revision that each tile's cells build on.

    One that answers a resume is `resumed`, names its subscription, and comes in parts as a snapshot does.
    """

    tiles: Tiles
    prev: dict[str, int]
    resumed: bool = False
    subscription: str = ""
    part: int = 1
    parts: int = 1


class Heartbeat(_Stamped, frozen=True, tag="heartbeat"):
    """Nothing changed for a while; the server and the connection live."""


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """The answer to an action; `heartbeat_seconds` is how long the server is silent at most."""

    action: str
    subscription: str = ""
    epoch: str = ""
    rev: int = 0
    heartbeat_seconds: float | None = None


class Refusal(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """An action that the server did not take."""

    code: str
    message: str
    action: str = ""


type Frame = Snapshot | Delta
type Message = Snapshot | Delta | Heartbeat | Ack | Refusal

_TYPES = {"snapshot", "delta", "heartbeat", "ack", "error"}
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Snapshot | Delta | Heartbeat | Ack | Refusal)
_encode = msgspec.json.Encoder().encode


class _Typed(msgspec.Struct):
    type: str = ""


def decode(text: str) -> Message | None:
    """A message from the server; None for one of a type that this version does not know.

    Raises:
        msgspec.DecodeError: it is not a message.
    """
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        if msgspec.json.decode(text, type=_Typed).type in _TYPES:
            raise
        return None


def encode(message: Subscribe) -> str:
    return _encode(message).decode()
