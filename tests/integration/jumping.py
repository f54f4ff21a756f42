"""Readings here, elsewhere in the city and in another, applied to a live state; what was too far by another formula."""

from collections import Counter
from itertools import count
from math import cos, radians, sin, sqrt

from adapters.live_state import LiveState
from factories import LAGOS, NOW, a_ping, a_record
from heatmap.pings import Ping
from heatmap.records import decode
from heatmap.register import merged
from heatmap.state import Applied

type Position = tuple[float, float]

SPEED = 70
_TICKS = count(1)
NEAR = (6.522, 3.382)
FAR = (6.70, 3.60)
NEXT_TO_FAR = (6.701, 3.601)
OTHER_FAR = (6.40, 3.20)
LONDON = (51.5, -0.1)
IN_LONDON = (51.501, -0.101)


def apply(state: LiveState, *pings: Ping, jump_speed: float = SPEED) -> Applied:
    received_at = max(ping.received_at for ping in pings)
    return state.apply(merged([decode(a_record(*pings))]), received_at, lambda city: jump_speed)


def at(seconds: float, position: Position = LAGOS, driver: str = "driver-1") -> Ping:
    return a_ping(driver, NOW + round(1_000 * seconds), position, NOW + 3_600_000)


def where(state: LiveState) -> dict[tuple[str, str], int]:
    """The drivers in each cell of precision 7, the counts proven to be exact."""
    assert all(each.exact for each in state.check(state.cities()).values())
    return {(city, cell): n for city in state.cities() for cell, n in state.view(city, 7).cells.items() if n}


def here(*pings: Ping) -> dict[tuple[str, str], int]:
    return Counter((ping.city, ping.geohash[:7]) for ping in pings)


def has_jumped(first: Ping, second: Ping) -> bool:
    """By another formula than the one that is tested: haversine, as a chord."""
    phi, to_phi = radians(first.lat), radians(second.lat)
    half = sin((to_phi - phi) / 2) ** 2 + cos(phi) * cos(to_phi) * sin(radians(second.lon - first.lon) / 2) ** 2
    return 2 * 6_371_000 * sqrt(half) > SPEED * (second.sampled_at - first.sampled_at) / 1_000


def tick(state: LiveState, silent: int) -> None:
    """Take out who has not been seen since."""
    state.tick(state.cities(), 1, next(_TICKS), silent + 30_000, 30_000)
