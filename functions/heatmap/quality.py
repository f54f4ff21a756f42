"""What makes a reading credible, city by city, and how far a driver can have come.

Distances are chords through a sphere of 6,371 km: what is too far from here is also too far from anywhere on the way,
so a reading once found too far does not become credible when an earlier one comes late.
"""

from math import cos, radians, sin, sqrt

import msgspec

EARTH_RADIUS_M = 6_371_000.0
METRES_PER_DEGREE = radians(EARTH_RADIUS_M)

# What a device that has no position often sends. Nobody drives there: it is open sea.
ZERO_ISLAND_DEGREES = 0.01


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bounds of one city; each may be set in its entry of `cities.json`, under `quality`.

    Attributes:
        max_accuracy_m: a reading whose own `accuracy` is worse is refused, metres.
        future_ms: a phone's clock may be this far ahead; such a reading counts as taken when it was received.
        jump_speed: metres per second; who would have had to be faster has jumped. 0 lets everybody jump, None leaves it
            to the deployment.
    """

    max_accuracy_m: float = 1_000.0
    future_ms: int = 60_000
    jump_speed: float | None = None


DEFAULT = Quality()


def is_zero_island(lat: float, lon: float) -> bool:
    """Whether a position in degrees is next to 0, 0."""
    return -ZERO_ISLAND_DEGREES < lat < ZERO_ISLAND_DEGREES and -ZERO_ISLAND_DEGREES < lon < ZERO_ISLAND_DEGREES


def is_too_far(metres: float, milliseconds: int, jump_speed: float) -> bool:
    """Whether nobody can have come so far in that time."""
    return metres > jump_speed * milliseconds / 1000


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Metres between two positions in degrees, straight through the earth."""
    a, b = _on_sphere(lat, lon), _on_sphere(other_lat, other_lon)
    return EARTH_RADIUS_M * sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def _on_sphere(lat: float, lon: float) -> tuple[float, float, float]:
    phi, theta = radians(lat), radians(lon)
    return cos(phi) * cos(theta), cos(phi) * sin(theta), sin(phi)
