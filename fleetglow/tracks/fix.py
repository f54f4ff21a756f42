"""A fix: one recorded position, and how the words of track files are understood."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from heatmap.pings import FORBIDDEN_IN_IDS, MAX_ACCURACY_M, MAX_ID_CHARACTERS, MAX_SPEED

# Epoch seconds reach this number in the year 5138, epoch milliseconds reached it in 1973.
_FIRST_MILLISECONDS = 100_000_000_000
_LATEST_MS = 253_402_300_800_000  # the year 10000
_FORBIDDEN = re.compile(f"{FORBIDDEN_IN_IDS.pattern}+")


class Fix(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A reading of a driver's position.

    Attributes:
        at: UTC milliseconds, on the recorder's clock.
        driver_id: fit for a ping.
        lat, lon: degrees, WGS 84.
        speed, heading, accuracy: metres per second, degrees clockwise from north, metres.
    """

    at: int
    driver_id: str
    lat: float
    lon: float
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None


class Unreadable(Exception):
    """A place in a file that is not a fix; the message says what was expected and what came."""


type Reject = Callable[[str, str], None]
"""Told the place in a file (`line 7`) and why nothing could be read there."""


def fix(driver_id: object, at: object, lat: object, lon: object, *extras: object) -> Fix:
    """A fix from what a file holds; `extras` are speed, heading and accuracy.

    An extra that cannot be is left out: the position is worth more than the rest.

    Raises:
        Unreadable: names the first field at fault.
    """
    speed, heading, accuracy = (*extras, None, None, None)[:3]
    return Fix(
        milliseconds(at),
        driver_name(driver_id),
        _degrees("latitude", lat, 90),
        _degrees("longitude", lon, 180),
        _extra(speed, MAX_SPEED),
        _extra(heading, 360),
        _extra(accuracy, MAX_ACCURACY_M),
    )


def milliseconds(value: object) -> int:
    """UTC milliseconds of RFC 3339, epoch seconds or epoch milliseconds; a time without an offset is taken as UTC.

    Raises:
        Unreadable: it is none of them.
    """
    number = _number(value)
    if number is not None:
        at = number if abs(number) >= _FIRST_MILLISECONDS else number * 1000
        if abs(at) < _LATEST_MS:
            return round(at)
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            pass
        else:
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(moment.timestamp() * 1000)
    raise Unreadable(f"timestamp: expected RFC 3339 or epoch seconds or milliseconds, got {_shown(value)}")


def driver_name(value: object) -> str:
    """A driver id, with what a ping's must not hold replaced by hyphens.

    Raises:
        Unreadable: nothing is left of it.
    """
    name = "" if value is None else _FORBIDDEN.sub("-", str(value).strip())[:MAX_ID_CHARACTERS]
    if not name.strip("-"):
        raise Unreadable(f"driver id: expected a name or number, got {_shown(value)}")
    return name


def _degrees(field: str, value: object, limit: float) -> float:
    number = _number(value)
    if number is None or not abs(number) <= limit:
        raise Unreadable(f"{field}: expected degrees from -{limit:g} to {limit:g}, got {_shown(value)}")
    return number


def _extra(value: object, limit: float) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= limit else None


def _number(value: object) -> float | None:
    """A finite number, written as one or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _shown(value: object) -> str:
    return "nothing" if value is None or value == "" else repr(value)[:60]
