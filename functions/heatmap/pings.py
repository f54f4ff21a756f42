"""Pings: from a request body to valid, placed readings, and what to tell the sender about the rest."""

import json
import re
from datetime import UTC, datetime, timedelta
from math import inf, isnan
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from heatmap.cells import cell_of
from heatmap.cities import Cities
from heatmap.errors import FleetglowError, InvalidInput, Literal, TooLarge, shown
from heatmap.quality import Quality, is_zero_island

MAX_PINGS = 500
MAX_BODY_BYTES = 1_048_576

# Offline buffers are welcome for as long as the archive takes them.
MAX_AGE_MS = 30 * 24 * 3_600_000

MAX_ID_CHARACTERS = 128
# Braces and colons would reach into key names, spaces of every kind into lists of names, control characters into logs;
# surrogates cannot be encoded.
FORBIDDEN_IN_IDS = re.compile(r"[{}:\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# 150 m/s is 540 km/h: faster than any train in service.
MAX_SPEED = 150.0
MAX_ACCURACY_M = 100_000.0

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]


class Ping(msgspec.Struct, frozen=True, gc=False):
    """One valid inbound reading of a driver's position.

    Attributes:
        driver_id: 1 to 128 characters.
        sampled_at: when it was taken, UTC milliseconds, never after `received_at`.
        received_at: when it reached us, UTC milliseconds.
        lat, lon: degrees, WGS 84.
        geohash: of the position, `KEPT_PRECISION` characters.
        city: the city or region that it belongs to.
        speed: metres per second.
        heading: degrees clockwise from north.
        accuracy: metres.
        order_id, status: what the driver is doing, as the sender says it.
    """

    driver_id: str
    sampled_at: int
    received_at: int
    lat: float
    lon: float
    geohash: str
    city: str
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None
    order_id: str | None = None
    status: str | None = None


class Rejection(msgspec.Struct, frozen=True):
    """Why one ping of a request was refused.

    Attributes:
        index: its place in the request, from 0.
        code: a stable word for programs.
        message: names the field, what was expected and what came.
        retry_after_ms: of one that only came too fast: when it would have been taken.
    """

    index: int
    code: str
    message: str
    retry_after_ms: int | msgspec.UnsetType = msgspec.UNSET


class Parsed(msgspec.Struct, frozen=True):
    """A request's pings, the good and the refused."""

    pings: list[Ping]
    rejected: list[Rejection]


class _Wire(msgspec.Struct, gc=False):
    """A ping as senders write it; a field that a sender adds for itself is passed over."""

    driver_id: Id
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    sampled_at: int | str | None = None
    speed: Annotated[float, Meta(ge=0, le=MAX_SPEED)] | None = None
    heading: Annotated[float, Meta(ge=0, le=360)] | None = None
    accuracy: Annotated[float, Meta(ge=0, le=MAX_ACCURACY_M)] | None = None
    order_id: Id | None = None
    status: Annotated[str, Meta(min_length=1, max_length=32)] | None = None
    city: str | None = None


class _WireBatch(msgspec.Struct):
    pings: Annotated[list[_Wire], Meta(min_length=1, max_length=MAX_PINGS)]


_EXPECTED = {
    "driver_id": f"1 to {MAX_ID_CHARACTERS} characters without spaces, controls, braces or colons",
    "lat": "a number from -90 to 90",
    "lon": "a number from -180 to 180",
    "sampled_at": "an RFC 3339 time with an offset, or UTC milliseconds",
    "speed": f"metres per second from 0 to {MAX_SPEED:g}",
    "heading": "degrees clockwise from north, 0 to 360",
    "accuracy": f"metres from 0 to {MAX_ACCURACY_M:g}",
    "order_id": f"1 to {MAX_ID_CHARACTERS} characters without spaces, controls, braces or colons",
    "status": "1 to 32 characters without spaces, controls, braces or colons",
    "city": "a city's name",
}
_NOTHING = Literal("nothing")
SHOWN_OF_BODY = 20
# Python reads whole numbers of at most 4,300 digits, and none of a ping has as many.
_MOST_DIGITS = 4_000
_FAULTY_FIELD = re.compile(r"`\$\.(\w+)|field `(\w+)`")
# JSON can write one, UTF-8 cannot: msgspec fails at it with an error that is not its own.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_decode_batch = msgspec.json.Decoder(_WireBatch).decode


def parse(body: bytes, now: int, cities: Cities) -> Parsed:
    """Turn a request body, one ping or `{"pings": [1 to 500]}`, into pings.

    One bad ping costs only itself.

    Args:
        body: UTF-8 JSON.
        now: the current time, UTC milliseconds.
        cities: where positions belong.

    Raises:
        InvalidInput: the body is not JSON of that shape.
        TooLarge: the body or the batch is over its limit.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("body", f"at most {MAX_BODY_BYTES} bytes", len(body))
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("body", "UTF-8", Literal(f"byte {error.start} that is not"), code="not_utf8") from error
    # Nearly every request is good throughout: it is decoded, checked and placed in one go. Anything out of the
    # ordinary, down to NaN and lone surrogates, takes the slow way, ping by ping.
    try:
        wires = _decode_batch(text).pings
        return Parsed([_place(wire, now, cities) for wire in wires], [])
    except (msgspec.DecodeError, RecursionError, InvalidInput):
        return _parse_each(_items(text), now, cities)


def _parse_each(items: list[Any], now: int, cities: Cities) -> Parsed:
    pings, rejected = [], []
    for index, item in enumerate(items):
        try:
            pings.append(_place(_wire(item), now, cities))
        except FleetglowError as refusal:
            rejected.append(Rejection(index, refusal.code, str(refusal)))
    return Parsed(pings, rejected)


def _whole(digits: str) -> int | float:
    """A whole number, or infinity for one that would make the whole body unreadable."""
    if len(digits) <= _MOST_DIGITS:
        return int(digits)
    return -inf if digits.startswith("-") else inf


def _items(body: str) -> list[Any]:
    """The pings of a body as plain Python values."""
    if not body.strip():
        raise InvalidInput("body", "a ping or a batch of pings as JSON", Literal("an empty body"), code="not_json")
    try:
        # The standard library reads NaN and Infinity, which JSON does not know: so the ping that holds one can be
        # named, and those beside it are kept.
        document = json.loads(body, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        # Its beginning tells a form from JSON that is broken.
        beginning = body if len(body) <= SHOWN_OF_BODY else body[:SHOWN_OF_BODY] + "..."
        raise InvalidInput("body", "JSON", Literal(f"{shown(beginning)}: {error}"), code="not_json") from error
    if not isinstance(document, dict):
        raise InvalidInput("body", "a JSON object", document)
    if "pings" not in document:
        return [document]
    items = document["pings"]
    if not isinstance(items, list):
        raise InvalidInput("pings", "a list of pings", items)
    if not items:
        raise InvalidInput("pings", f"1 to {MAX_PINGS} pings", Literal("none"))
    if len(items) > MAX_PINGS:
        raise TooLarge("pings", f"1 to {MAX_PINGS} pings", len(items))
    return items


def _wire(item: Any) -> _Wire:
    """One ping, its fields' types and ranges checked.

    Raises:
        InvalidInput: names the first field at fault.
    """
    if not isinstance(item, dict):
        raise InvalidInput("ping", "an object", item)
    # Without what a sender adds for itself, whose names may be such that nothing can be done with them.
    item = {name: item[name] for name in _EXPECTED if name in item}
    for field, value in item.items():
        if isinstance(value, str) and _SURROGATE.search(value):
            raise InvalidInput(field, _EXPECTED[field], value, code="bad_characters")
    for field in ("lat", "lon"):
        value = item.get(field)
        if isinstance(value, float) and isnan(value):  # passes every comparison with a bound
            raise InvalidInput(field, _EXPECTED[field], value, code="out_of_range")
    try:
        return msgspec.convert(item, _Wire)
    except msgspec.ValidationError as error:
        match = _FAULTY_FIELD.search(str(error))
        field = (match[1] or match[2]) if match else "ping"
        expected = _EXPECTED.get(field, "a ping")
        if field not in item:
            raise InvalidInput(field, expected, _NOTHING, code="missing") from error
        code = "wrong_type" if ", got `" in str(error) else "out_of_range"
        raise InvalidInput(field, expected, item[field], code=code) from error


def _place(wire: _Wire, now: int, cities: Cities) -> Ping:
    """A ping whose types are right, checked for what types cannot say, and given its cell and city."""
    _check_id("driver_id", wire.driver_id)
    if wire.order_id is not None:
        _check_id("order_id", wire.order_id)
    if wire.status is not None:
        _check_id("status", wire.status)
    lat, lon = wire.lat, wire.lon
    cell = cell_of(lat, lon)
    city = cities.place(lat, lon, cell)
    if wire.city is not None and wire.city != city:
        city = _claimed(wire, city, cities)
    sampled_at = wire.sampled_at
    if sampled_at is None:
        sampled_at = now
    elif isinstance(sampled_at, str):
        sampled_at = _milliseconds(sampled_at)
    if not now - MAX_AGE_MS <= sampled_at <= now:
        sampled_at = _near_now(wire, sampled_at, now, cities.quality(city))
    if wire.accuracy is not None and wire.accuracy > (bound := cities.quality(city).max_accuracy_m):
        raise InvalidInput("accuracy", f"at most {bound:g} metres in {city}", wire.accuracy, code="inaccurate")
    if is_zero_island(lat, lon) and city not in cities.named:
        raise InvalidInput("lat", "a position, not the 0, 0 of a device without one", [lat, lon], code="zero_island")
    return Ping(
        wire.driver_id,
        sampled_at,
        now,
        lat,
        lon,
        cell,
        city,
        wire.speed,
        wire.heading,
        wire.accuracy,
        wire.order_id,
        wire.status,
    )


def _check_id(field: str, value: str) -> None:
    if FORBIDDEN_IN_IDS.search(value):
        raise InvalidInput(field, _EXPECTED[field], value, code="bad_characters")


def _claimed(wire: _Wire, placed: str, cities: Cities) -> str:
    """The city of a ping that names one: where boxes overlap the claim decides, otherwise the position does.

    Raises:
        InvalidInput: the named city does not exist.
    """
    claimed = cities.get(wire.city)
    return claimed.name if claimed.name in cities.named and claimed.bbox.holds(wire.lat, wire.lon) else placed


def _milliseconds(text: str) -> int:
    """UTC milliseconds of an RFC 3339 time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("sampled_at", _EXPECTED["sampled_at"], text) from error
    if moment.tzinfo is None:
        raise InvalidInput("sampled_at", _EXPECTED["sampled_at"], text)
    return (moment - _EPOCH) // _MILLISECOND


def _near_now(wire: _Wire, sampled_at: int, now: int, quality: Quality) -> int:
    """A sample time a little ahead counts as now; one from another time is refused."""
    if now < sampled_at <= now + quality.future_ms:
        return now
    if sampled_at > now:
        raise InvalidInput("sampled_at", f"at most {quality.future_ms} ms ahead of now", wire.sampled_at, code="future")
    raise InvalidInput("sampled_at", f"at most {MAX_AGE_MS // 86_400_000} days ago", wire.sampled_at, code="too_old")
