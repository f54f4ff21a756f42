"""The ground of a city for maps of characters: its water and the names of its places, as the map page has them.

A city without them has a map without them.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import Any

from fleetglow.instance import PROJECT_ROOT
from heatmap.cells import BBox

BASEMAPS = PROJECT_ROOT / "web" / "public" / "basemap"
PLACES = PROJECT_ROOT / "web" / "src" / "places.json"

type Point = tuple[float, float]
"""Longitude and latitude."""

type Raster = tuple[bytes, ...]
"""Rows of pixels from north to south, each pixel 0 or 1."""


@dataclass(frozen=True)
class Place:
    """A part of a city; those of rank 1 are the best known."""

    name: str
    lat: float
    lon: float
    rank: int


@lru_cache(maxsize=8)
def water(city: str, box: BBox, columns: int, rows: int) -> Raster | None:
    """Which pixels of a box are sea, lake or river; None where that is not known."""
    try:
        basemap = json.loads((BASEMAPS / f"{city}.json").read_text())
    except FileNotFoundError:
        return None
    west, south, east, north = basemap["bbox"]
    if box.west < west or box.south < south or box.east > east or box.north > north:
        return None
    # Around the polygons of land there is sea.
    raster = [bytearray(b"\1" * columns) for _ in range(rows)]
    scale = _Scale(box, columns, rows)
    for feature in basemap["features"]:
        geometry = feature["geometry"]
        if geometry["type"] == "Polygon":
            _fill(raster, geometry["coordinates"], scale, feature["properties"]["water"])
        else:
            _trace(raster, geometry["coordinates"], scale)
    return tuple(bytes(row) for row in raster)


@lru_cache(maxsize=8)
def places(city: str) -> tuple[Place, ...]:
    """The parts of a city, the best known first."""
    try:
        listed: dict[str, Any] = json.loads(PLACES.read_text())
    except FileNotFoundError:
        return ()
    return tuple(sorted((Place(*each) for each in listed.get(city, {}).get("places", [])), key=lambda each: each.rank))


@dataclass(frozen=True)
class _Scale:
    """From degrees to pixels, whose middles are at halves."""

    box: BBox
    columns: int
    rows: int

    def x(self, lon: float) -> float:
        return (lon - self.box.west) / (self.box.east - self.box.west) * self.columns

    def y(self, lat: float) -> float:
        return (self.box.north - lat) / (self.box.north - self.box.south) * self.rows


def _fill(raster: list[bytearray], rings: list[list[Point]], scale: _Scale, is_water: bool) -> None:
    """Set the pixels whose middles lie in a polygon: between each row's crossings with its rings, by pairs."""
    crossings: list[list[float]] = [[] for _ in raster]
    for ring in rings:
        corners = [(scale.x(lon), scale.y(lat)) for lon, lat in ring]
        for (x, y), (to_x, to_y) in pairwise([*corners, corners[0]]):
            if y == to_y:
                continue
            first, last = ceil(min(y, to_y) - 0.5), ceil(max(y, to_y) - 0.5)
            for row in range(max(0, first), min(len(raster), last)):
                crossings[row].append(x + (row + 0.5 - y) / (to_y - y) * (to_x - x))
    value = b"\1" if is_water else b"\0"
    for pixels, crossed in zip(raster, crossings, strict=True):
        crossed.sort()
        for begin, end in zip(crossed[::2], crossed[1::2], strict=False):
            first, last = max(0, ceil(begin - 0.5)), min(len(pixels), ceil(end - 0.5))
            if first < last:
                pixels[first:last] = value * (last - first)


def _trace(raster: list[bytearray], line: list[Point], scale: _Scale) -> None:
    """Set the pixels along a river."""
    points = [(scale.x(lon), scale.y(lat)) for lon, lat in line]
    for (x, y), (to_x, to_y) in pairwise(points):
        steps = max(1, ceil(max(abs(to_x - x), abs(to_y - y))))
        for step in range(steps + 1):
            column, row = int(x + (to_x - x) * step / steps), int(y + (to_y - y) * step / steps)
            if 0 <= row < scale.rows and 0 <= column < scale.columns:
                raster[row][column] = 1
