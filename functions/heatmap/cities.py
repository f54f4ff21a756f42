"""Cities: the named places whose drivers are counted together.

A position in no city belongs to the region named by the first three characters of its geohash (about 156 km across),
so no ping falls on the floor. A region is a valid city wherever a city is asked for.
"""

import re
from functools import cache
from pathlib import Path

import msgspec

from heatmap.cells import ALPHABET, BBox, TileRange, bbox_of, cell_of
from heatmap.errors import InvalidInput
from heatmap.quality import DEFAULT, Quality

REGION_CHARACTERS = 3

_REGION = re.compile(rf"[{ALPHABET}]{{{REGION_CHARACTERS}}}\Z")


class City(msgspec.Struct, frozen=True):
    """A place with a name.

    Attributes:
        name: lower-case letters and hyphens; also its name in keys, URLs and metrics.
        title: for people.
        time_zone: IANA name.
        bbox: what belongs to it.
        quality: what a reading from there must be like.
    """

    name: str
    title: str
    time_zone: str
    bbox: BBox
    quality: Quality = DEFAULT


class Cities:
    """All named cities; where two overlap, the first listed has the position."""

    def __init__(self, cities: list[City]) -> None:
        self.named = {city.name: city for city in cities}
        boxes = [(c.bbox.south, c.bbox.west, c.bbox.north, c.bbox.east, c.name) for c in cities]
        # Most positions are decided by their three-character region alone: it touches one city or none.
        self._by_region: dict[str, list[tuple[float, float, float, float, str]]] = {}
        for box in boxes:
            for region in _regions_touched(box):
                self._by_region.setdefault(region, []).append(box)

    def place(self, lat: float, lon: float, geohash: str) -> str:
        """The name of the city or region that a position (with its geohash) belongs to."""
        region = geohash[:REGION_CHARACTERS]
        for south, west, north, east, name in self._by_region.get(region, ()):
            if south <= lat <= north and west <= lon <= east:
                return name
        return region

    def quality(self, name: str) -> Quality:
        """What a reading from the city or region of that name must be like."""
        city = self.named.get(name)
        return city.quality if city else DEFAULT

    def get(self, name: object) -> City:
        """The city or region of that name.

        Raises:
            InvalidInput: there is none.
        """
        if isinstance(name, str):
            if name in self.named:
                return self.named[name]
            if _REGION.match(name):
                return City(name=name, title=f"Region {name}", time_zone="UTC", bbox=bbox_of(name))
        known = ", ".join(self.named)
        raise InvalidInput("city", f"one of {known}, or a 3-character geohash", name, code="unknown_city")


def listed(cities: Cities) -> list[dict[str, object]]:
    """The named cities as interfaces show them."""
    return [
        {"name": c.name, "title": c.title, "time_zone": c.time_zone, "bbox": msgspec.structs.astuple(c.bbox)}
        for c in cities.named.values()
    ]


@cache
def cities() -> Cities:
    """The cities that ship with the application, read once."""
    text = Path(__file__).with_name("cities.json").read_bytes()
    listed = msgspec.json.decode(text, type=list[_Listed])
    return Cities([City(e.name, e.title, e.time_zone, BBox(*e.bbox), e.quality) for e in listed])


class _Listed(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    title: str
    time_zone: str
    bbox: tuple[float, float, float, float]
    quality: Quality = DEFAULT


def _regions_touched(box: tuple[float, float, float, float, str]) -> tuple[str, ...]:
    south, west, north, east, _ = box
    return TileRange(cell_of(south, west, REGION_CHARACTERS), cell_of(north, east, REGION_CHARACTERS)).tiles()
