"""Drivers who move as drivers in a city do: along streets, from journey to journey, with stops.

A driver heads for a destination drawn from the city's districts. Between two crossings the way is straight, along one
of the four headings of the district's grid; at a crossing it usually turns to where the destination lies, and sometimes
waits at a light. At the destination there is a stop for passengers, then the next journey. So the fleet stays where
the city is dense, however long it runs, and everything follows from the seed.
"""

from dataclasses import dataclass
from math import asin, cos, degrees, hypot, radians, sin
from random import Random

from fleetglow.districts import EDGE_SHARE, EDGE_SPREAD, District, districts
from heatmap.cells import BBox
from heatmap.cities import City

METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km

BLOCK_M = (120.0, 420.0)  # between two crossings
TOP_SPEED_MS = 60 / 3.6
LIGHT_CHANCE = 0.35
LIGHT_S = (5.0, 60.0)
PASSENGER_S = (20.0, 120.0)
ARRIVED_M = 300.0
# A journey longer than this is given up for a nearer one: across the water there may be no way at all.
JOURNEY_CROSSINGS = 60
# How often a driver does not take the best of the turns: one-way streets, works, whims.
DETOUR_CHANCE = 0.15
STEP_S = 60.0


class Town:
    """A city as drivers see it: where journeys end, which way the streets run, how fast they go."""

    def __init__(self, city: City, parts: tuple[District, ...] | None = None) -> None:
        self.name = city.name
        self.bbox = city.bbox
        self.parts = parts or districts(city)
        self._weights = [part.weight for part in self.parts]
        self.lon_metres = METRES_PER_DEGREE * cos(radians((city.bbox.south + city.bbox.north) / 2))

    def place(self, chance: Random) -> tuple[float, float]:
        """Where a journey ends: latitude and longitude, within the box."""
        (part,) = chance.choices(self.parts, self._weights)
        sigma_m = part.sigma_km * 1000 * (EDGE_SPREAD if chance.random() < EDGE_SHARE else 1)
        for _ in range(8):
            lat = part.lat + chance.gauss(0, sigma_m) / METRES_PER_DEGREE
            lon = part.lon + chance.gauss(0, sigma_m) / self.lon_metres
            if self.bbox.holds(lat, lon):
                return lat, lon
        return _within(self.bbox, part.lat, part.lon)

    def district(self, lat: float, lon: float) -> District:
        """The district whose middle is nearest, measured in its own spread."""
        scale = self.lon_metres / METRES_PER_DEGREE
        best, best_distance = self.parts[0], float("inf")
        for part in self.parts:
            distance = ((lat - part.lat) ** 2 + ((lon - part.lon) * scale) ** 2) / part.sigma_km**2
            if distance < best_distance:
                best, best_distance = part, distance
        return best


@dataclass(frozen=True, slots=True)
class Reading:
    """What a driver's phone tells: degrees, metres per second, degrees clockwise from north."""

    lat: float
    lon: float
    speed: float
    heading: float


class Driver:
    """One driver; `move` is called with the seconds that have passed since the last time."""

    __slots__ = (
        "_chance",
        "_crossings",
        "_heading",
        "_lat",
        "_lon",
        "_speed",
        "_target",
        "_to_crossing",
        "_town",
        "_wait",
    )

    def __init__(self, town: Town, chance: Random) -> None:
        self._town = town
        self._chance = chance
        self._lat, self._lon = town.place(chance)
        self._target = town.place(chance)
        self._crossings = 0
        self._heading = 0.0
        self._speed = 0.0
        self._to_crossing = 0.0
        self._wait = chance.uniform(*PASSENGER_S) if chance.random() < 0.2 else 0.0
        self._turn()
        self._to_crossing *= chance.random()

    def move(self, seconds: float) -> Reading:
        """Let time pass, and say where the driver is then."""
        speed = 0.0
        while seconds > 0:
            step = min(seconds, STEP_S)
            seconds -= step
            speed = self._pass(step)
        return Reading(round(self._lat, 5), round(self._lon, 5), round(speed, 1), round(self._heading, 0) % 360)

    def _pass(self, seconds: float) -> float:
        """Drive and wait for some seconds; returns the speed at their end."""
        while seconds > 0:
            if self._wait > 0:
                waited = min(self._wait, seconds)
                self._wait -= waited
                seconds -= waited
                if self._wait > 0:
                    return 0.0
                continue
            driven = min(self._speed * seconds, self._to_crossing)
            self._advance(driven)
            self._to_crossing -= driven
            seconds -= driven / self._speed
            if self._to_crossing <= 0.01:
                self._cross()
        return self._speed if self._wait <= 0 else 0.0

    def _advance(self, metres: float) -> None:
        heading = radians(self._heading)
        lat = self._lat + metres * cos(heading) / METRES_PER_DEGREE
        lon = self._lon + metres * sin(heading) / self._town.lon_metres
        self._lat, self._lon = _within(self._town.bbox, lat, lon)

    def _cross(self) -> None:
        """Arrive at a crossing: perhaps the journey's end, perhaps a red light, and which way then."""
        self._crossings += 1
        north, east = self._to_target()
        if hypot(north, east) < ARRIVED_M or self._crossings > JOURNEY_CROSSINGS:
            self._wait = self._chance.uniform(*PASSENGER_S)
            self._target = self._town.place(self._chance)
            self._crossings = 0
        elif self._chance.random() < LIGHT_CHANCE:
            self._wait = self._chance.uniform(*LIGHT_S)
        self._turn()

    def _turn(self) -> None:
        chance = self._chance
        district = self._town.district(self._lat, self._lon)
        north, east = self._to_target()
        distance = hypot(north, east) or 1.0
        # The angle between the target and the grid's first direction tells which of the four streets leads there.
        towards = degrees(asin(max(-1.0, min(1.0, east / distance))))
        towards = towards if north >= 0 else 180 - towards
        quarter = round((towards - district.grid_deg) / 90)
        if chance.random() < DETOUR_CHANCE:
            quarter += chance.choice((-1, 1))
        self._heading = (district.grid_deg + 90 * quarter) % 360
        self._to_crossing = chance.uniform(*BLOCK_M)
        self._speed = min(TOP_SPEED_MS, max(1.5, chance.gauss(district.speed_kmh, district.speed_kmh / 4) / 3.6))

    def _to_target(self) -> tuple[float, float]:
        """Metres to the north and to the east."""
        lat, lon = self._target
        return (lat - self._lat) * METRES_PER_DEGREE, (lon - self._lon) * self._town.lon_metres


def _within(box: BBox, lat: float, lon: float) -> tuple[float, float]:
    # Rounding to five decimals must not put a driver over the edge, either.
    margin = 0.00001
    return (
        min(max(lat, box.south + margin), box.north - margin),
        min(max(lon, box.west + margin), box.east - margin),
    )
