"""The live protocol's messages as a viewer sees them (`docs/protocol.md`): text JSON in both directions.

What comes is checked once, here, and becomes a frozen value; whether its tiles came as JSON or packed is forgotten.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from fleetglow.errors import BadMessage
from fleetglow.packed import KEYS, unpacked
from heatmap.cells import TILE_CHARACTERS

type Encoding = Literal["json", "deflate"]
"""How a viewer wants the tiles of its frames: plain, or packed and far smaller."""

type Box = tuple[float, float, float, float]
"""South, west, north and east in degrees."""

# A viewport of 1,024 full tiles comes in some hundred parts.
MAX_PARTS = 4_096

_Natural = Annotated[int, Meta(ge=0)]
_Part = Annotated[int, Meta(ge=1, le=MAX_PARTS)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Precision = Annotated[int, Meta(ge=TILE_CHARACTERS + 1, le=12)]


class Since(Struct, frozen=True):
    """From where a viewer wants to go on."""

    epoch: str
    rev: int


class Subscribe(Struct, frozen=True, omit_defaults=True, tag_field="action", tag="subscribe"):
    """Asks for a city's cells in a box; without a box, for all of them."""

    city: str
    precision: int
    bbox: Box | None = None
    since: Since | None = None
    encoding: Encoding = "json"
    id: str = ""


class Unsubscribe(Struct, frozen=True, omit_defaults=True, tag_field="action", tag="unsubscribe"):
    """Ends a subscription, by the name that its ack told."""

    subscription: str
    id: str = ""


class Hello(Struct, frozen=True, omit_defaults=True, tag_field="action", tag="hello"):
    """Asks what the server has."""

    id: str = ""


class _Stamped(Struct, frozen=True):
    """What every message of a viewport tells.

    Attributes:
        subscription: the viewport's name.
        rev: the city's revision that the message brings the viewport to.
        as_of: when the state was read.
        lag_ms: how long before `as_of` the newest applied ping was received.
        drivers: live drivers in the whole city.
    """

    subscription: str
    city: str
    precision: _Precision
    epoch: str
    rev: _Natural
    as_of: _Moment
    lag_ms: _Natural
    drivers: _Natural


class Snapshot(_Stamped, frozen=True):
    """All cells of a viewport that hold drivers; one of `parts` messages, which count only together.

    Attributes:
        cells: drivers by geohash.
    """

    cells: dict[str, int]
    part: int = 1
    parts: int = 1


class Delta(_Stamped, frozen=True):
    """The cells of a viewport that changed after the revision `prev`; one of `parts` messages.

    Attributes:
        cells: drivers by geohash; 0 means that the cell went empty.
    """

    prev: int
    cells: dict[str, int]
    part: int = 1
    parts: int = 1


class Heartbeat(_Stamped, frozen=True, tag_field="type", tag="heartbeat"):
    """A delta of nothing: the server and the connection live."""

    prev: _Natural


class Place(Struct, frozen=True):
    """A city that the server knows; `bbox` is what belongs to it."""

    name: str
    title: str
    time_zone: str
    bbox: Box


class Ack(Struct, frozen=True, tag_field="type", tag="ack"):
    """The answer to an action, whose `id` it carries; which of the other fields it has depends on the action.

    Attributes:
        subscription, epoch, rev: of a subscribe: the viewport's name, and where its first frame brings it to.
        heartbeat_seconds: of a subscribe: for how long the server is silent at most.
        min_cell_drivers: of a subscribe: the least count, other than 0, that the token is shown; 1 if counts are exact.
        connection_id, precisions, cities: of a hello.
    """

    action: str
    id: str = ""
    subscription: str = ""
    epoch: str = ""
    rev: int = 0
    heartbeat_seconds: Annotated[float, Meta(gt=0)] | None = None
    min_cell_drivers: Annotated[int, Meta(ge=1)] = 1
    connection_id: str = ""
    precisions: tuple[int, ...] = ()
    cities: tuple[Place, ...] = ()


class Refusal(Struct, frozen=True, tag_field="type", tag="error"):
    """An action that the server did not take; `action` and `id` are those of the message at fault, as far as known."""

    code: str
    message: str
    action: str = ""
    id: str = ""


class GatewayRefusal(Struct, frozen=True):
    """What API Gateway itself says of a message that it could not pass on; it does not tell of which."""

    message: str


type Frame = Snapshot | Delta
type ViewportMessage = Snapshot | Delta | Heartbeat
type Message = Snapshot | Delta | Heartbeat | Ack | Refusal | GatewayRefusal


class _Tiled(_Stamped, frozen=True, kw_only=True):
    """A frame as it is on the wire."""

    tiles: dict[str, dict[str, _Natural]] | None = None
    packed: str | None = None
    part: _Part = 1
    parts: _Part = 1


class _Snapshot(_Tiled, frozen=True, tag_field="type", tag="snapshot"):
    pass


class _Delta(_Tiled, frozen=True, kw_only=True, tag_field="type", tag="delta"):
    prev: _Natural


class _Untyped(Struct, frozen=True):
    """As much of a message as tells whose it is."""

    type: str | None = None
    message: str | None = None


_TYPES = {"snapshot", "delta", "heartbeat", "ack", "error"}
_KEYS = frozenset(KEYS)
_decoder: msgspec.json.Decoder[_Snapshot | _Delta | Heartbeat | Ack | Refusal] = msgspec.json.Decoder(
    _Snapshot | _Delta | Heartbeat | Ack | Refusal
)
_encode = msgspec.json.Encoder().encode


def encode(message: Subscribe | Unsubscribe | Hello) -> str:
    """A message as it is sent."""
    return _encode(message).decode()


# Viewers of one place are sent the same text at the same moment; where many live in one process they share the value.
@lru_cache(maxsize=32)
def decode(text: str) -> Message | None:
    """A message from the server; None for one of a type that this version does not know.

    Raises:
        BadMessage: it is not of the protocol.
    """
    try:
        message = _decoder.decode(text)
    except msgspec.ValidationError as error:
        return _unknown(text, error)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BadMessage(f"message: expected JSON, got what is not ({error})") from error
    if isinstance(message, _Tiled):
        return _frame(message)
    return message


def _unknown(text: str, error: msgspec.ValidationError) -> GatewayRefusal | None:
    """A message that is not one of ours: of a later protocol, of API Gateway, or malformed."""
    try:
        untyped = msgspec.json.decode(text, type=_Untyped)
    except (msgspec.DecodeError, RecursionError):  # it is told at the first fault, behind which there may be any
        untyped = _Untyped()
    if untyped.type is not None and untyped.type not in _TYPES:
        return None
    if untyped.type is None and untyped.message is not None:
        return GatewayRefusal(untyped.message)
    raise BadMessage(f"message: expected one of the protocol, got another ({error})") from error


def _frame(wire: _Snapshot | _Delta) -> Frame:
    if wire.part > wire.parts:
        raise BadMessage(f"part: expected one of {wire.parts}, got {wire.part}")
    cells = _cells(wire)
    stamped = (
        wire.subscription,
        wire.city,
        wire.precision,
        wire.epoch,
        wire.rev,
        wire.as_of,
        wire.lag_ms,
        wire.drivers,
    )
    if isinstance(wire, _Delta):
        return Delta(*stamped, wire.prev, cells, wire.part, wire.parts)
    return Snapshot(*stamped, cells, wire.part, wire.parts)


def _cells(wire: _Tiled) -> dict[str, int]:
    """Counts by cell of a frame in either encoding."""
    tile_characters = wire.precision - TILE_CHARACTERS
    if wire.packed is not None and wire.tiles is None:
        return unpacked(wire.packed, tile_characters)
    if wire.tiles is None or wire.packed is not None:
        raise BadMessage("tiles: expected either them or packed, got " + ("neither" if wire.tiles is None else "both"))
    for tile, counts in wire.tiles.items():
        if len(tile) != tile_characters or not _KEYS.issuperset(counts):
            raise BadMessage(f"tiles: expected cells of {wire.precision} characters, got others in {tile!r}")
    return {tile + key: count for tile, counts in wire.tiles.items() for key, count in counts.items()}
