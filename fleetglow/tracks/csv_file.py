"""Tracks as CSV: a header, then one fix a line, separated by commas, semicolons or tabs."""

import csv
from collections.abc import Iterator
from typing import TextIO

from fleetglow.errors import BadInput
from fleetglow.tracks.fix import Fix, Reject, Unreadable, fix

COLUMNS = {
    "driver": ("driver_id", "vehicle_id", "id"),
    "time": ("timestamp", "time", "ts"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "longitude"),
    "speed": ("speed",),
    "heading": ("heading", "bearing", "course"),
    "accuracy": ("accuracy",),
}
_REQUIRED = ("driver", "time", "lat", "lon")
_DELIMITERS = ",;\t"


def read_csv(text: TextIO, name: str, reject: Reject) -> Iterator[Fix]:
    """The fixes of a file, line by line.

    Raises:
        BadInput: the header lacks a column; the message names the columns that would do.
    """
    header = text.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    try:
        titles = [title.strip().lower() for title in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error as error:
        raise BadInput(f"{name}: expected GPX, GeoJSON or CSV, got a header that cannot be read: {error}") from error
    places = {column: _place(titles, names) for column, names in COLUMNS.items()}
    for column in _REQUIRED:
        if places[column] is None:
            shown = ", ".join(titles)[:120] or "nothing"
            raise BadInput(
                f"{name}: expected GPX, GeoJSON or CSV with a column {' or '.join(COLUMNS[column])}, got {shown}"
            )
    order = [places[column] for column in COLUMNS]
    rows = csv.reader(text, delimiter=delimiter)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reject(f"line {rows.line_num + 1}", str(error))
            continue
        if not row:
            continue
        size = len(row)
        values = [row[place] if place is not None and place < size else None for place in order]
        try:
            yield fix(*values)
        except Unreadable as error:
            reject(f"line {rows.line_num + 1}", str(error))


def _place(titles: list[str], names: tuple[str, ...]) -> int | None:
    return next((titles.index(name) for name in names if name in titles), None)
