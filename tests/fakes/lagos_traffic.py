"""Drivers on the roads of Lagos, for a picture of the map that looks as the real thing does.

The roads are coarse lines along the real ones. A driver keeps to its road with a little spread, wanders near a centre,
or waits at a busy place; everything follows from a seed.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator

import geohash

type Point = tuple[float, float]  # lat, lon

# Weight, spread in degrees, line.
ROADS: list[tuple[float, float, list[Point]]] = [
    (10, 0.0012, [(6.447, 3.4), (6.462, 3.399), (6.487, 3.4), (6.517, 3.399), (6.543, 3.385), (6.556, 3.37)]),
    (12, 0.0016, [(6.498, 3.37), (6.515, 3.369), (6.54, 3.367), (6.57, 3.367), (6.59, 3.379), (6.615, 3.396)]),
    (8, 0.0014, [(6.615, 3.396), (6.623, 3.43), (6.617, 3.47), (6.615, 3.508)]),
    (
        12,
        0.0016,
        [(6.43, 3.425), (6.438, 3.455), (6.441, 3.48), (6.437, 3.52), (6.462, 3.56), (6.469, 3.6), (6.47, 3.64)],
    ),
    (9, 0.0018, [(6.448, 3.362), (6.462, 3.336), (6.489, 3.318), (6.52, 3.32), (6.55, 3.339), (6.556, 3.343)]),
    (9, 0.0014, [(6.556, 3.343), (6.58, 3.347), (6.601, 3.351), (6.622, 3.34), (6.65, 3.32), (6.68, 3.295)]),
    (8, 0.0014, [(6.47, 3.372), (6.464, 3.33), (6.464, 3.28), (6.463, 3.23), (6.464, 3.18), (6.457, 3.13)]),
    (8, 0.0018, [(6.5, 3.354), (6.53, 3.35), (6.556, 3.343), (6.585, 3.33), (6.622, 3.322), (6.66, 3.285)]),
    (7, 0.0016, [(6.556, 3.343), (6.547, 3.31), (6.549, 3.28), (6.562, 3.255), (6.575, 3.24)]),
    (6, 0.0016, [(6.575, 3.367), (6.582, 3.35), (6.6, 3.335), (6.605, 3.31), (6.59, 3.29), (6.58, 3.26)]),
    (5, 0.0014, [(6.455, 3.394), (6.447, 3.41), (6.452, 3.437), (6.445, 3.45)]),
    (5, 0.0014, [(6.428, 3.408), (6.43, 3.425), (6.427, 3.445), (6.43, 3.47)]),
    (4, 0.0016, [(6.59, 3.379), (6.6, 3.37), (6.62, 3.365), (6.64, 3.36), (6.67, 3.37)]),
]
# Weight, spread in degrees, centre.
CENTRES: list[tuple[float, float, Point]] = [
    (12, 0.013, (6.6, 3.348)),
    (10, 0.012, (6.512, 3.36)),
    (8, 0.011, (6.535, 3.345)),
    (6, 0.0055, (6.455, 3.392)),
    (6, 0.006, (6.4305, 3.424)),
    (4, 0.006, (6.452, 3.438)),
    (4, 0.007, (6.446, 3.474)),
    (5, 0.012, (6.59, 3.288)),
    (4, 0.012, (6.62, 3.322)),
    (3, 0.01, (6.468, 3.285)),
    (3, 0.012, (6.617, 3.508)),
    (3, 0.008, (6.469, 3.578)),
    (3, 0.014, (6.66, 3.29)),
    (2, 0.012, (6.466, 3.2)),
]
# Places where many wait: airports, markets, motor parks.
STANDS: list[Point] = [(6.578, 3.321), (6.586, 3.334), (6.556, 3.345), (6.4545, 3.3885), (6.43, 3.43), (6.513, 3.386)]

DEGREES_PER_SECOND = 0.00009  # about 36 km/h


class _Driver:
    def __init__(self, pick: random.Random) -> None:
        self._pick = pick
        self._line: list[Point] = []
        kind = pick.random()
        if kind < 0.6:
            _, spread, self._line = pick.choices(ROADS, [weight for weight, _, _ in ROADS])[0]
            # Half of them are in the streets beside the road; the nearer, the more.
            spread *= 0.25 if pick.random() < 0.5 else pick.expovariate(0.4)
        elif kind < 0.97:
            _, spread, self._centre = pick.choices(CENTRES, [weight for weight, _, _ in CENTRES])[0]
        else:
            spread, self._centre = 0.0006, pick.choice(STANDS)
        self._offset = pick.gauss(0, spread), pick.gauss(0, spread)
        self._at = pick.random() * self._length()
        self._speed = pick.uniform(0.1, 1.2) * DEGREES_PER_SECOND * pick.choice((-1, 1))

    def _length(self) -> float:
        return sum(math.dist(a, b) for a, b in zip(self._line, self._line[1:], strict=False))

    def move(self, seconds: float) -> Point:
        if not self._line:
            drift = abs(self._speed) * seconds
            self._offset = self._offset[0] + self._pick.gauss(0, drift), self._offset[1] + self._pick.gauss(0, drift)
            return self._centre[0] + self._offset[0], self._centre[1] + self._offset[1]
        self._at += self._speed * seconds
        if not 0 <= self._at <= self._length():
            self._speed = -self._speed
            self._at = min(max(self._at, 0), self._length())
        lat, lon = self._on_line(self._at)
        return lat + self._offset[0], lon + self._offset[1]

    def _on_line(self, at: float) -> Point:
        for a, b in zip(self._line, self._line[1:], strict=False):
            step = math.dist(a, b)
            if at <= step:
                return a[0] + (b[0] - a[0]) * at / step, a[1] + (b[1] - a[1]) * at / step
            at -= step
        return self._line[-1]


def traffic(drivers: int, *, precision: int, tick_s: float = 3, seed: int = 7) -> Iterator[dict[str, int]]:
    """Counts by cell, one mapping a tick, for ever."""
    pick = random.Random(seed)
    fleet = [_Driver(pick) for _ in range(drivers)]
    while True:
        yield Counter(geohash.encode(*driver.move(tick_s), precision) for driver in fleet)
