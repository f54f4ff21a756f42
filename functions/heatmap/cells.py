"""Cells, tiles and bounding boxes: the geometry of geohashes.

A cell is a geohash of `precision` characters; a tile is a cell's prefix, two characters shorter, so a tile holds up to
1,024 cells. Positions are WGS 84 degrees, latitude first.
"""

from collections.abc import Iterable
from functools import lru_cache

import geohash
import msgspec

from heatmap.errors import InvalidInput, TooLarge

ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"

# Nine characters are 4.8 m x 4.8 m: finer than GPS, so every cell we may ever count is a prefix of what we keep.
KEPT_PRECISION = 9

TILE_CHARACTERS = 2

# A viewport of more tiles than this is a view at which the cells of that precision cannot be told apart.
MAX_TILES = 1_024


class BBox(msgspec.Struct, frozen=True):
    """A box in degrees: south < north, west < east (never over the antimeridian)."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east

    def meets(self, other: "BBox") -> bool:
        """Whether the two have more than an edge in common."""
        return (
            self.south < other.north and other.south < self.north and self.west < other.east and other.west < self.east
        )


def cell_of(lat: float, lon: float, precision: int = KEPT_PRECISION) -> str:
    """The geohash of a position that is known to be in range.

    python-geohash never returns for an infinite longitude and wraps 181 to -179, so the range must have been checked.
    """
    # It raises for a latitude of exactly 90, though the pole belongs to the topmost row of cells.
    return str(geohash.encode(min(lat, 89.999999999), lon if lon < 180 else 179.999999999, precision))


def bbox_of(cell: str) -> BBox:
    """The box that a geohash covers."""
    box = geohash.bbox(cell)
    return BBox(south=box["s"], west=box["w"], north=box["n"], east=box["e"])


def bbox_from(values: object) -> BBox:
    """A bounding box from four numbers in the order south, west, north, east.

    Raises:
        InvalidInput: not four numbers in range, inside out, or over the antimeridian.
    """
    expected = "four numbers [south, west, north, east] in degrees"
    if not isinstance(values, list | tuple) or len(values) != 4:
        raise InvalidInput("bbox", expected, values)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise InvalidInput("bbox", expected, values)
    south, west, north, east = values
    # Before they become floats, which a whole number may be too large for. Written so that NaN, which compares false
    # with everything, fails as well.
    if not (-90 <= south <= 90 and -90 <= north <= 90):
        raise InvalidInput("bbox", "latitudes from -90 to 90", values, code="out_of_range")
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise InvalidInput("bbox", "longitudes from -180 to 180", values, code="out_of_range")
    if not south < north:
        raise InvalidInput("bbox", "south below north", values)
    if not west < east:
        raise InvalidInput("bbox", "west below east (a box over the antimeridian is asked for as two)", values)
    return BBox(float(south), float(west), float(north), float(east))


class TileRange(msgspec.Struct, frozen=True):
    """A rectangle of tiles, both corners included.

    Attributes:
        south_west, north_east: the corner tiles, of equal length.
    """

    south_west: str
    north_east: str

    def bbox(self) -> BBox:
        """The box that they cover."""
        south_west, north_east = bbox_of(self.south_west), bbox_of(self.north_east)
        return BBox(south_west.south, south_west.west, north_east.north, north_east.east)

    def tiles(self) -> tuple[str, ...]:
        """Every tile of the rectangle, row by row from the south-west."""
        return _tiles(self)

    def holds(self, tile: str) -> bool:
        """Whether a tile of the same size lies in the rectangle."""
        (west, south), (east, north) = _grid(self.south_west), _grid(self.north_east)
        x, y = _grid(tile)
        return west <= x <= east and south <= y <= north

    def holding(self, tiles: Iterable[str]) -> tuple[str, ...]:
        """Those of some tiles of the same size that lie in the rectangle."""
        (west, south), (east, north) = _grid(self.south_west), _grid(self.north_east)
        places = ((tile, *_grid(tile)) for tile in tiles)
        return tuple(tile for tile, x, y in places if west <= x <= east and south <= y <= north)

    def count(self) -> int:
        (west, south), (east, north) = _grid(self.south_west), _grid(self.north_east)
        return (east - west + 1) * (north - south + 1)


def tiles_over(bbox: BBox, precision: int) -> TileRange:
    """The smallest rectangle of tiles that covers a box at a precision.

    An edge on the border of two tiles belongs to the one inside, so a tile's own box is covered by that tile.

    Raises:
        TooLarge: the box would need more than `MAX_TILES` tiles; the message names a precision that would fit.
    """
    covering = _covering(bbox, precision - TILE_CHARACTERS)
    if covering.count() > MAX_TILES:
        fitting = precision - 1
        while fitting > TILE_CHARACTERS + 1 and _covering(bbox, fitting - TILE_CHARACTERS).count() > MAX_TILES:
            fitting -= 1
        raise TooLarge(
            "bbox",
            f"at most {MAX_TILES} tiles at precision {precision} (precision {fitting} would fit)",
            covering.count(),
        )
    return covering


def _covering(bbox: BBox, size: int) -> TileRange:
    north_east = cell_of(bbox.north, bbox.east, size)
    outermost = bbox_of(north_east)
    x, y = _grid(north_east)
    inside = _tile(x - (bbox.east <= outermost.west), y - (bbox.north <= outermost.south), size)
    return TileRange(cell_of(bbox.south, bbox.west, size), inside)


# A broadcaster asks for the same rectangles at every tick; those of large ones share their tiles' names.
@lru_cache(maxsize=4_096)
def _tiles(wanted: TileRange) -> tuple[str, ...]:
    (west, south), (east, north) = _grid(wanted.south_west), _grid(wanted.north_east)
    size = len(wanted.south_west)
    return tuple(_tile(x, y, size) for y in range(south, north + 1) for x in range(west, east + 1))


@lru_cache(maxsize=65_536)
def _grid(tile: str) -> tuple[int, int]:
    """Column and row of a geohash in the grid of its size: its bits, unpicked."""
    x = y = 0
    even = True  # the first bit of a geohash halves the longitude
    for character in tile:
        value = ALPHABET.index(character)
        for shift in (4, 3, 2, 1, 0):
            bit = value >> shift & 1
            if even:
                x = x << 1 | bit
            else:
                y = y << 1 | bit
            even = not even
    return x, y


@lru_cache(maxsize=65_536)
def _tile(x: int, y: int, size: int) -> str:
    """The geohash of `size` characters at a column and row."""
    bits = size * 5
    x_left, y_left = (bits + 1) // 2, bits // 2
    value = 0
    for position in range(bits):
        if position % 2 == 0:
            x_left -= 1
            value = value << 1 | x >> x_left & 1
        else:
            y_left -= 1
            value = value << 1 | y >> y_left & 1
    return "".join(ALPHABET[value >> 5 * (size - 1 - place) & 31] for place in range(size))
