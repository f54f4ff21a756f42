"""What an audience looks at: mostly screens over the busy parts of a city, some all of it, at mixed precisions."""

from collections.abc import Sequence
from random import Random

import msgspec

from fleetglow.movement import Town
from fleetglow.places import named_city
from fleetglow.protocol import Encoding
from heatmap.cells import KEPT_PRECISION, BBox, bbox_of, cell_of
from heatmap.cities import cities
from heatmap.errors import TooLarge
from heatmap.viewports import Viewport, viewport

PRECISIONS = (5, 6, 7, 8)
# The whole city is shown at these; finer cells could not be told apart.
CITY_PRECISIONS = (5, 6, 7)
CITY_SHARE = 0.1
JSON_SHARE = 0.2
# Precisions of screens: at 5 a phone shows more than a city.
_SCREEN_PRECISIONS = (6, 7, 8)
_SCREEN_WEIGHTS = (15, 50, 35)
# Width and height in cells, of a laptop and of a phone, where a cell is some 16 pixels.
_SHAPES = ((90, 56), (24, 53))
_TRIES_PER_SCREEN = 200


class Wanted(msgspec.Struct, frozen=True):
    """What one viewer watches.

    Attributes:
        subscription: the name of the viewport that the server will make of it.
    """

    subscription: str
    city: str
    precision: int
    bbox: BBox | None
    encoding: Encoding


def viewports(city: str, count: int, chance: Random) -> dict[str, tuple[Viewport, BBox | None]]:
    """Distinct viewports by name, those of the whole city first, each with the box that asks for it.

    Raises:
        ValueError: there are not so many.
    """
    place, town = cities().get(city), Town(named_city(city))
    found: dict[str, tuple[Viewport, BBox | None]] = {}
    for precision in CITY_PRECISIONS:
        whole = viewport(city, precision, None, cities(), PRECISIONS)
        found[whole.subscription] = (whole, None)
    for _ in range(_TRIES_PER_SCREEN * count):
        if len(found) >= count:
            break
        [precision] = chance.choices(_SCREEN_PRECISIONS, _SCREEN_WEIGHTS)
        box = _screen(*town.place(chance), precision, chance)
        try:
            seen = viewport(place.name, precision, box, cities(), PRECISIONS)
        except TooLarge:
            continue
        found.setdefault(seen.subscription, (seen, box))
    if len(found) < count:
        raise ValueError(f"viewports: expected at most {len(found)} in {city}, got {count}")
    return dict(list(found.items())[:count])


def audience(offered: dict[str, tuple[Viewport, BBox | None]], count: int, chance: Random) -> list[Wanted]:
    """Viewers, at least one of each viewport if there are enough of them."""
    names = list(offered)
    whole, screens = names[: len(CITY_PRECISIONS)], names[len(CITY_PRECISIONS) :] or names
    chosen = names[:count]
    chosen += [chance.choice(whole if chance.random() < CITY_SHARE else screens) for _ in range(count - len(chosen))]
    chance.shuffle(chosen)
    return [_wanted(name, *offered[name], "json" if chance.random() < JSON_SHARE else "deflate") for name in chosen]


def shares(viewers: Sequence[Wanted], count: int) -> list[list[Wanted]]:
    """The viewers in so many parts of equal size."""
    return [list(viewers[part::count]) for part in range(count)]


def _wanted(name: str, seen: Viewport, box: BBox | None, encoding: Encoding) -> Wanted:
    return Wanted(name, seen.city, seen.precision, box, encoding)


def _screen(lat: float, lon: float, precision: int, chance: Random) -> BBox:
    """What a screen shows around a place."""
    columns, rows = chance.choice(_SHAPES)
    cell = bbox_of(cell_of(lat, lon, KEPT_PRECISION)[:precision])
    half_width = columns * (cell.east - cell.west) / 2
    half_height = rows * (cell.north - cell.south) / 2
    return BBox(
        max(-90.0, lat - half_height),
        max(-180.0, lon - half_width),
        min(90.0, lat + half_height),
        min(180.0, lon + half_width),
    )
