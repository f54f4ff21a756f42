"""What one stream record holds: the accepted pings of one request, grouped by city.

    {"v": 1, "received_at": 1700000000000, "request": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "is_followed": false,
     "cities": {"lagos": [["driver-1", 1699999999000, "s14mhu5n2", [6.5, 3.4, 4.1, 90.0, null, null, null]], …]}}

A ping is driver, `sampled_at`, geohash and the details (lat, lon, speed, heading, accuracy, order, status), which the
aggregator stores as they are, without reading them.

The record's data is that JSON in zlib's format at its fastest: a third of the size for 0.3 us a ping, so that 500 pings
fit into one of the 25-KB units that Kinesis bills.
"""

import zlib
from collections.abc import Iterator
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from heatmap.cells import KEPT_PRECISION
from heatmap.errors import PoisonRecord
from heatmap.pings import Ping

VERSION = 1

# Kinesis takes 1 MiB with the partition key; a request whose pings need more is written as several records.
MAX_RECORD_BYTES = 1_000_000

# No request makes more than this; a record that unpacks to more is not one of ours.
MAX_UNPACKED_BYTES = 8_000_000

# Thirteen digits: from 2001 to 2286. The register orders drivers' pings by these digits as text.
Milliseconds = Annotated[int, Meta(ge=1_000_000_000_000, le=9_999_999_999_999)]


class Sample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One ping in a record; `details` stays undecoded JSON."""

    driver_id: str
    sampled_at: Milliseconds
    geohash: Annotated[str, Meta(min_length=KEPT_PRECISION, max_length=KEPT_PRECISION)]
    details: msgspec.Raw


class Record(msgspec.Struct, frozen=True):
    """One stream record.

    Attributes:
        v: the version of this layout.
        received_at: when the request came, UTC milliseconds.
        cities: the pings of each city.
        request, is_followed: as in `Origin`.
    """

    v: int
    received_at: Milliseconds
    cities: dict[str, list[Sample]]
    request: str = ""
    is_followed: bool = False


class Origin(NamedTuple):
    """Which request pings came with.

    Attributes:
        request: what API Gateway calls it.
        is_followed: whether it is logged in detail, here and wherever its pings go.
    """

    request: str = ""
    is_followed: bool = False


class Details(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a driver's position holds beyond its cell; units as in `Ping`."""

    lat: float
    lon: float
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None
    order_id: str | None = None
    status: str | None = None


_UNKNOWN = Origin()

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def encode(pings: list[Ping], origin: Origin = _UNKNOWN) -> Iterator[bytes]:
    """The records that carry a request's pings: one wherever it fits."""
    cities: dict[str, list[tuple[object, ...]]] = {}
    for p in pings:
        details = (p.lat, p.lon, p.speed, p.heading, p.accuracy, p.order_id, p.status)
        cities.setdefault(p.city, []).append((p.driver_id, p.sampled_at, p.geohash, details))
    content = _encode({"v": VERSION, "received_at": pings[0].received_at, **origin._asdict(), "cities": cities})
    data = zlib.compress(content, zlib.Z_BEST_SPEED)
    if len(data) <= MAX_RECORD_BYTES:
        yield data
    else:
        half = len(pings) // 2
        yield from encode(pings[:half], origin)
        yield from encode(pings[half:], origin)


def decode(data: bytes) -> Record:
    """A record's content.

    Raises:
        PoisonRecord: it is not one of ours.
    """
    unpacker = zlib.decompressobj()
    try:
        record = _decode(unpacker.decompress(data, MAX_UNPACKED_BYTES))
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PoisonRecord(f"record: expected pings as packed JSON, version {VERSION}: {error}") from error
    if record.v != VERSION:
        raise PoisonRecord(f"record: expected version {VERSION}, got {record.v}")
    return record
