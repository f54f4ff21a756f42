"""A driver's register: one text that orders itself, so that the newest ping wins wherever two of them meet.

    1700000000000 1700000000500 s14mhu5n2 [6.5,3.4,…]      (without the spaces)
    sampled_at    received_at   geohash   details as in `records`

The digits compare as text the way (`sampled_at`, `received_at`) compare as numbers; what follows them settles what
those two leave open, so that every order of arrival ends in the same state. The scripts in `adapters/lua` read
registers by these offsets.
"""

from collections.abc import Sequence

import msgspec

from heatmap.cells import KEPT_PRECISION
from heatmap.records import Details, Record

DIGITS = 13
ORDER_CHARACTERS = 2 * DIGITS + KEPT_PRECISION

_decode_details = msgspec.json.Decoder(Details).decode


class Position(msgspec.Struct, frozen=True):
    """Where a driver was last.

    Attributes:
        sampled_at, received_at: UTC milliseconds.
        geohash: `KEPT_PRECISION` characters.
        details: position in degrees, speed in m/s, and so on.
    """

    sampled_at: int
    received_at: int
    geohash: str
    details: Details


def merged(records: Sequence[Record]) -> dict[str, list[str | bytes]]:
    """For each city of some records: driver, register, driver, register, …"""
    cities: dict[str, list[str | bytes]] = {}
    for record in records:
        received_at = b"%d" % record.received_at
        for city, samples in record.cities.items():
            flat = cities.setdefault(city, [])
            for sample in samples:
                flat.append(sample.driver_id)
                flat.append(b"%d%b%b%b" % (sample.sampled_at, received_at, sample.geohash.encode(), sample.details))
    return cities


def position(register: bytes) -> Position:
    """The position in a register that we wrote."""
    return Position(
        sampled_at=int(register[:DIGITS]),
        received_at=int(register[DIGITS : 2 * DIGITS]),
        geohash=register[2 * DIGITS : ORDER_CHARACTERS].decode(),
        details=_decode_details(register[ORDER_CHARACTERS:]),
    )
