"""A heatmap of characters: cells fitted to a window, two square pixels to a character (half blocks)."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, cos, radians

from rich.text import Text

from heatmap.cells import BBox, bbox_of

# From few to many: matplotlib's magma without its darkest part, which a dark terminal would swallow.
COLOURS = ("#5b2a86", "#952c80", "#d3436e", "#f8765c", "#febb81", "#fcfdbf")
UPPER, LOWER = "▀", "▄"


@dataclass(frozen=True)
class Grid:
    """Drivers by pixel; `pixels[row][column]`, row 0 in the north, an even number of rows."""

    pixels: list[list[int]]

    @property
    def most(self) -> int:
        return max(map(max, self.pixels))


def grid(cells: Mapping[str, int], box: BBox, columns: int, lines: int) -> Grid:
    """Fit a box into a window, true to shape.

    A pixel that holds several cells shows their sum; a cell that covers several pixels fills them.

    Args:
        cells: drivers by geohash.
        columns, lines: the window's size in characters.
    """
    columns, lines = max(1, columns), max(1, lines)
    width = (box.east - box.west) * cos(radians((box.south + box.north) / 2))
    height = box.north - box.south
    scale = min(columns / width, 2 * lines / height)
    across = max(1, min(columns, round(width * scale)))
    down = 2 * max(1, min(lines, round(height * scale / 2)))
    to_column, to_row = across / (box.east - box.west), down / height
    pixels = [[0] * across for _ in range(down)]
    for cell, count in cells.items():
        place = bbox_of(cell)
        rows = _covered((box.north - place.north) * to_row, (box.north - place.south) * to_row, down)
        covered = _covered((place.west - box.west) * to_column, (place.east - box.west) * to_column, across)
        for row in rows:
            for column in covered:
                pixels[row][column] += count
    return Grid(pixels)


def _covered(begin: float, end: float, size: int) -> range:
    """The pixels whose middles lie between two edges, or the one that holds the middle; none outside the window."""
    first, last = ceil(begin - 0.5), ceil(end - 0.5)
    if first >= last:
        first = int((begin + end) // 2)
        last = first + 1
    return range(max(0, first), min(size, last))


def steps(most: int) -> list[int]:
    """The least number of drivers that each colour stands for: each number its own, or else growing by a ratio."""
    if most <= len(COLOURS):
        return list(range(1, most + 1))
    ratio = most ** (1 / len(COLOURS))
    return [max(number + 1, round(ratio**number)) for number in range(len(COLOURS))]


def draw(picture: Grid) -> Text:
    """The grid as coloured characters, a line for two rows."""
    bounds = steps(picture.most)
    text = Text(no_wrap=True)
    rows = iter(picture.pixels)
    for number, (upper, lower) in enumerate(zip(rows, rows, strict=True)):
        if number:
            text.append("\n")
        for above, below in zip(upper, lower, strict=True):
            text.append(*_character(_colour(above, bounds), _colour(below, bounds)))
    return text


def legend(picture: Grid) -> Text:
    """The colours and how many drivers each stands for."""
    bounds = steps(picture.most)
    text = Text("drivers  ", no_wrap=True)
    for number, least in enumerate(bounds):
        end = bounds[number + 1] - 1 if number + 1 < len(bounds) else picture.most
        text.append("██", COLOURS[number * (len(COLOURS) - 1) // max(1, len(bounds) - 1)])
        text.append(f" {least:,}  " if least >= end else f" {least:,}-{end:,}  ")
    return text


def _colour(count: int, bounds: list[int]) -> str | None:
    if count <= 0:
        return None
    step = sum(count >= least for least in bounds) - 1
    return COLOURS[step * (len(COLOURS) - 1) // max(1, len(bounds) - 1)]


def _character(above: str | None, below: str | None) -> tuple[str, str]:
    """A character and its style."""
    if above and below:
        return UPPER, f"{above} on {below}"
    if above:
        return UPPER, above
    return (LOWER, below) if below else (" ", "")
