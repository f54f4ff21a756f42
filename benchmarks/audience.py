"""People who watch Lagos: what their screens show of the map, and who looks where."""

from itertools import cycle
from math import cos, radians
from random import Random

from adapters.live_state import LiveState
from benchmarks.fleet import CITY
from fleetglow.movement import Town
from heatmap.cells import BBox
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.viewports import Viewport, viewport

PRECISIONS = (4, 5, 6, 7, 8)
VIEWERS_PER_VIEWPORT = 5

# As the template has it.
MIN_CELL_DRIVERS = 3

# Pixels, and how often each is met.
DESKTOP = (1440, 900)
SCREENS = (DESKTOP, DESKTOP, (1920, 1080), (390, 844))
# At zoom 0 a vector map shows the world on so many pixels.
WORLD_PX = 512

# Most look at a part of the town, one in eleven at all of it, one at single streets.
ZOOMS = (10.8, 11.6, 12.0, 12.3, 12.6, 12.9, 13.1, 13.3, 13.6, 13.9, 15.0)
# From here on a cell of 153 m would be 45 pixels wide: finer ones are shown.
FINEST_FROM_ZOOM = 14.5


def on_screen(lat: float, lon: float, zoom: float, screen: tuple[int, int] = DESKTOP) -> BBox:
    """What of the world a screen shows around a place."""
    degrees = 360 / (WORLD_PX * 2**zoom)
    width, height = screen[0] * degrees, screen[1] * degrees * cos(radians(lat))
    return BBox(lat - height / 2, lon - width / 2, lat + height / 2, lon + width / 2)


def viewports(number: int) -> list[Viewport]:
    """So many distinct viewports, the same ones each time: people look where there are drivers."""
    town = Town(cities().get(CITY))
    chance = Random(1)  # noqa: S311 - it only has to be the same every time
    found: dict[str, Viewport] = {}
    while len(found) < number:
        zoom = chance.choice(ZOOMS)
        box = on_screen(*town.place(chance), zoom, chance.choice(SCREENS))
        wanted = viewport(CITY, 8 if zoom >= FINEST_FROM_ZOOM else 7, box, cities(), PRECISIONS)
        found[wanted.subscription] = wanted
    return list(found.values())


def seat(state: LiveState, watched: list[Viewport]) -> None:
    """Give each viewport its viewers; half of them want packed tiles."""
    encodings = cycle(Encoding)
    since, epoch = 0, ""
    for number, each in enumerate(watched):
        for viewer in range(VIEWERS_PER_VIEWPORT):
            # As long as API Gateway's.
            connection_id = f"{number:010d}{viewer:05d}="
            stamp = state.watch(each, connection_id, next(encodings), since, epoch).stamp
            since, epoch = stamp.rev, stamp.epoch
