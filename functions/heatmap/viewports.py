"""Viewports: the rectangles of tiles that viewers watch.

A box is snapped outward to whole tiles, so that viewers who look at nearly the same place watch the same viewport, and
their messages are made once. A subscription is named by its viewport: `lagos/7/s14hn-s14wm`.
"""

import re
from enum import StrEnum
from functools import lru_cache

import msgspec

from heatmap.cells import ALPHABET, TILE_CHARACTERS, BBox, TileRange, tiles_over
from heatmap.cities import Cities
from heatmap.errors import InvalidInput

_SUBSCRIPTION = re.compile(rf"([a-z0-9-]{{1,64}})/([1-9])/([{ALPHABET}]+)-([{ALPHABET}]+)\Z")


class Audience(StrEnum):
    """Whose eyes counts are for: there are two sets of them (see `heatmap/privacy.py`)."""

    EXACT = "exact"
    PUBLIC = "public"

    # As equal text has it; an enumeration's own is a function in Python, called for each viewport.
    __hash__ = str.__hash__


class Viewport(msgspec.Struct, frozen=True):
    """Tiles of one city at one precision, for one audience."""

    city: str
    precision: int
    tiles: TileRange
    audience: Audience = Audience.EXACT

    @property
    def extent(self) -> str:
        """The tiles' corners as text, unique within city and precision."""
        return f"{self.tiles.south_west}-{self.tiles.north_east}"

    @property
    def subscription(self) -> str:
        return f"{self.city}/{self.precision}/{self.extent}"

    def seen_by(self, audience: Audience) -> "Viewport":
        """The same tiles for an audience."""
        return msgspec.structs.replace(self, audience=audience)


def viewport(
    city: object, precision: object, bbox: BBox | None, cities: Cities, precisions: tuple[int, ...]
) -> Viewport:
    """The viewport that covers a box; without one, the whole city.

    Raises:
        InvalidInput: no such city or precision, or the box is too wide for the precision or apart from the city.
    """
    place = cities.get(city)
    if not isinstance(precision, int) or isinstance(precision, bool) or precision not in precisions:
        raise InvalidInput(
            "precision", f"one of {', '.join(map(str, precisions))}", precision, code="unknown_precision"
        )
    tiles = tiles_over(bbox or place.bbox, precision)
    # By the tiles: a box that ends just before the city is watched with the tile in which the city begins.
    if bbox and not tiles.bbox().meets(place.bbox):
        city_box = list(msgspec.structs.astuple(place.bbox))
        raise InvalidInput(
            "bbox",
            f"a part of {place.name}, which is {city_box}",
            msgspec.structs.astuple(bbox),
            code="outside_city",
        )
    return Viewport(place.name, precision, tiles)


def from_subscription(name: object, audience: Audience = Audience.EXACT) -> Viewport:
    """The viewport that a subscription names.

    Raises:
        InvalidInput: it is not a subscription's name.
    """
    match = _SUBSCRIPTION.match(name) if isinstance(name, str) else None
    if match:
        city, precision, tiles = match[1], int(match[2]), TileRange(match[3], match[4])
        if len(tiles.south_west) == len(tiles.north_east) == precision - TILE_CHARACTERS:
            return Viewport(city, precision, tiles, audience)
    raise InvalidInput("subscription", "a name from a subscribe's ack, as lagos/7/s14hn-s14wm", name)


# A broadcaster meets the same ones at every tick.
@lru_cache(maxsize=8_192)
def from_extent(city: str, precision: int, extent: str, audience: Audience = Audience.EXACT) -> Viewport:
    """The viewport of an extent that is known to be one."""
    south_west, _, north_east = extent.partition("-")
    return Viewport(city, precision, TileRange(south_west, north_east), audience)
