"""A heatmap of characters: cells fitted to a window, in a frame that tells where one is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import ceil, cos, floor, isclose, log10, radians

from rich.text import Text

from fleetglow.ground import Place, Raster
from fleetglow.terminal_ink import Glyph, Ink, spelled
from heatmap.cells import ALPHABET, TILE_CHARACTERS, BBox, bbox_of, tiles_over
from heatmap.errors import TooLarge

METRES_PER_DEGREE = 111_320.0
# How much of the map's width its scale takes at most.
SCALE_SHARE = 0.25
# The side, the edge, the four corners from the north-west on, and the ends of the scale.
UNICODE_FRAME = ("─", "│", "┌", "┐", "└", "┘", "├", "┤")
ASCII_FRAME = ("-", "|", "+", "+", "+", "+", "|", "|")


@dataclass(frozen=True)
class Window:
    """A box fitted into a part of the terminal, true to shape.

    Attributes:
        columns, rows: pixels.
    """

    box: BBox
    columns: int
    rows: int

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the box."""
        return _size_m(self.box)


@dataclass(frozen=True)
class Grid:
    """Drivers by pixel; `pixels[row][column]`, row 0 in the north; `drivers` are all that are in view.

    Attributes:
        least: the least count, other than 0, that a cell is told with.
    """

    window: Window
    pixels: list[list[int]]
    drivers: int
    least: int = 1

    @property
    def most(self) -> int:
        return max(map(max, self.pixels))


def fit(box: BBox, columns: int, lines: int, rows_per_line: int) -> Window:
    """The largest window that has the shape of a box.

    Args:
        columns, lines: the room that there is, in characters, which are twice as high as wide.
        rows_per_line: pixels above each other in a character.
    """
    columns, lines = max(1, columns), max(1, lines)
    width, height = (box.east - box.west) * _shrink(box), box.north - box.south
    # In halves of a character's height, which are as high as a character is wide.
    scale = min(columns / width, 2 * lines / height)
    down = max(1, min(lines, round(height * scale / 2)))
    return Window(box, max(1, min(columns, round(width * scale))), down * rows_per_line)


def fitting_precision(window: Window, offered: Iterable[int]) -> int:
    """The coarsest of the precisions at which no cell is larger than a pixel; else the finest that can be watched."""
    pixel_m = _pixel_m(window)
    best = None
    for precision in sorted(offered):
        try:
            cell_m = _cell_m(window, precision)
        except TooLarge:
            break
        best = precision
        if cell_m[0] <= pixel_m[0] and cell_m[1] <= pixel_m[1]:
            break
    return min(offered) if best is None else best


def grid(cells: Mapping[str, int], window: Window, least: int = 1) -> Grid:
    """Drivers by pixel: one that holds several cells shows their sum; a cell that covers several pixels fills them."""
    box = window.box
    to_column, to_row = window.columns / (box.east - box.west), window.rows / (box.north - box.south)
    pixels = [[0] * window.columns for _ in range(window.rows)]
    drivers = 0
    for cell, count in cells.items():
        place = bbox_of(cell)
        rows = _covered((box.north - place.north) * to_row, (box.north - place.south) * to_row, window.rows)
        columns = _covered((place.west - box.west) * to_column, (place.east - box.west) * to_column, window.columns)
        if rows and columns:
            drivers += count
        for row in rows:
            for column in columns:
                pixels[row][column] += count
    return Grid(window, pixels, drivers, least)


def steps(most: int, number: int, least: int = 1) -> list[int]:
    """The least number of drivers that each step stands for: each number its own, or else growing by a ratio."""
    least = max(1, min(least, most))
    if most < least + number:
        return list(range(least, most + 1))
    ratio = (most / least) ** (1 / number)
    return [max(least + step, round(least * ratio**step)) for step in range(number)]


def draw(shown: Grid, ink: Ink, water: Raster | None = None, places: Iterable[Place] = ()) -> list[Text]:
    """The grid as lines of coloured characters, with the names of places where they hide nothing."""
    bounds = steps(shown.most, ink.steps, shown.least)
    dry = (bytes(shown.window.columns),) * shown.window.rows
    lines: list[list[Glyph]] = []
    for first in range(0, shown.window.rows, ink.rows):
        heights = shown.pixels[first : first + ink.rows]
        wet = (water or dry)[first : first + ink.rows]
        lines.append(
            [
                ink.pixel(tuple(_step(count, bounds, ink.steps) for count in counts), of_water)
                for counts, of_water in zip(zip(*heights, strict=True), zip(*wet, strict=True), strict=True)
            ]
        )
    for place in places:
        _write(place, lines, shown.window, ink)
    return [_text(line) for line in lines]


def legend(shown: Grid, ink: Ink, precision: int, room: int) -> Text:
    """What is counted together, the steps, and how many drivers each stands for; cut to so many characters."""
    bounds = steps(shown.most, ink.steps, shown.least)
    # A cell that is larger than a pixel fills several with its own count.
    of_pixel, of_cell = _pixel_m(shown.window), _cell_m(shown.window, precision)
    width, height = (max(pixel, cell) for pixel, cell in zip(of_pixel, of_cell, strict=True))
    area = (
        f"{_length(width)} square" if isclose(width, height, rel_tol=0.02) else f"{_length(width)} x {_length(height)}"
    )
    nobody = "no drivers in view" if shown.least == 1 else f"no cell of {shown.least} drivers in view"
    text = Text(f"drivers per {area}" if bounds else nobody, no_wrap=True)
    for number, least in enumerate(bounds):
        end = bounds[number + 1] - 1 if number + 1 < len(bounds) else shown.most
        text.append("  ")
        text.append(*ink.swatch(_colour_of(number, len(bounds), ink.steps)))
        text.append(f" {least:,}" if least >= end else f" {least:,}-{end:,}")
    text.truncate(room)
    return text


def framed(lines: list[Text], window: Window, *, is_ascii: bool, least: int = 1) -> list[Text]:
    """The map in a frame that tells its corners, its scale, and below which count cells are hidden."""
    side, edge, *corners, begin, end = ASCII_FRAME if is_ascii else UNICODE_FRAME
    box, width_m = window.box, window.size_m[0]
    north_west, south_east = (
        spelled(f" {_degrees(lat, 'NS')} {_degrees(lon, 'EW')} ", is_ascii=is_ascii)
        for lat, lon in ((box.north, box.west), (box.south, box.east))
    )
    length_m = _round_length(width_m * SCALE_SHARE)
    ruler = side * (round(window.columns * length_m / width_m) - 2)
    top = bottom = side * window.columns
    top = _overlaid(top, north_west, 1)
    if least > 1:
        top = _overlaid(top, f" cells under {least} drivers hidden ", -1)
    bottom = _overlaid(bottom, f" {begin}{ruler}{end} {_length(length_m)} ", 1)
    bottom = _overlaid(bottom, south_east, -1)
    return [
        Text(f"{corners[0]}{top}{corners[1]}", "dim", no_wrap=True),
        *(Text.assemble((edge, "dim"), line, (edge, "dim"), no_wrap=True) for line in lines),
        Text(f"{corners[2]}{bottom}{corners[3]}", "dim", no_wrap=True),
    ]


def _shrink(box: BBox) -> float:
    """How much shorter a degree of longitude is than one of latitude."""
    return cos(radians((box.south + box.north) / 2))


def _size_m(box: BBox) -> tuple[float, float]:
    height = (box.north - box.south) * METRES_PER_DEGREE
    return (box.east - box.west) * METRES_PER_DEGREE * _shrink(box), height


def _pixel_m(window: Window) -> tuple[float, float]:
    width, height = window.size_m
    return width / window.columns, height / window.rows


def _cell_m(window: Window, precision: int) -> tuple[float, float]:
    """Width and height of the window's cells. Raises TooLarge if they are too many to be watched."""
    return _size_m(bbox_of(tiles_over(window.box, precision).south_west + ALPHABET[0] * TILE_CHARACTERS))


def _covered(begin: float, end: float, size: int) -> range:
    """The pixels whose middles lie between two edges, or the one that holds the middle; none outside the window."""
    first, last = ceil(begin - 0.5), ceil(end - 0.5)
    if first >= last:
        first = int((begin + end) // 2)
        last = first + 1
    return range(max(0, first), min(size, last))


def _step(count: int, bounds: list[int], of: int) -> int | None:
    if count <= 0:
        return None
    # Between an ack that tells of a least count and its snapshot, some that are shown may be below it.
    return _colour_of(max(0, sum(count >= least for least in bounds) - 1), len(bounds), of)


def _colour_of(number: int, used: int, of: int) -> int:
    """Which of all steps stands for one of those that are used: the first and the last always are."""
    return number * (of - 1) // max(1, used - 1)


def _write(place: Place, lines: list[list[Glyph]], window: Window, ink: Ink) -> None:
    """Put a place's name where it is, unless it would be cut off, touch another name, or hide something."""
    box = window.box
    line = floor((box.north - place.lat) / (box.north - box.south) * len(lines))
    column = floor((place.lon - box.west) / (box.east - box.west) * window.columns) - len(place.name) // 2
    if not (0 <= line < len(lines) and column >= 1 and column + len(place.name) < window.columns):
        return
    before = lines[line][column - 1 : column + len(place.name) + 1]
    if any(character.isalpha() for character, _ in before):
        return
    written = [ink.letter(character, under) for character, under in zip(place.name, before[1:-1], strict=True)]
    if all(written):
        lines[line][column : column + len(place.name)] = [glyph for glyph in written if glyph]


def _text(line: list[Glyph]) -> Text:
    text = Text(no_wrap=True)
    for style, run in groupby(line, key=lambda glyph: glyph[1]):
        text.append("".join(character for character, _ in run), style)
    return text


def _overlaid(line: str, text: str, at: int) -> str:
    """A line with a text in it, counted from its end if `at` is negative; without it where there is no room."""
    start = at if at >= 0 else len(line) + at - len(text) + 1
    if start < 1 or start + len(text) > len(line) or line[start : start + len(text)].strip(line[0]):
        return line
    return line[:start] + text + line[start + len(text) :]


def _degrees(value: float, names: str) -> str:
    return f"{abs(value):.2f}°{names[value < 0]}"


def _round_length(metres: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not above it."""
    power = 10.0 ** floor(log10(metres))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= metres)


def _length(metres: float) -> str:
    return f"{metres / 1000:.3g} km" if metres >= 1000 else f"{metres:.0f} m"
