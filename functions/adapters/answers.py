"""What the scripts in `lua/` answer, as values."""

from typing import Any

from heatmap.frames import Encoding
from heatmap.state import Changes, Conservation, Outcome, Publishing, Stamp, Tick, View

_ENCODINGS = {encoding.value: encoding for encoding in Encoding}


def tick(answer: list[Any]) -> Tick:
    """Of `tick.lua`."""
    stamp, (silent, *parts) = answer[:4], answer[4:]
    changes = []
    for precision, viewports, cells, counts in parts:
        revs = dict(zip(viewports[::2], viewports[1::2], strict=True))
        watched = {extent.decode(): int(rev) for extent, rev in revs.items()}
        changes.append(Changes(precision, watched, _cells(cells, counts)))
    return Tick(_stamp(stamp), len(silent), changes)


def view(answer: list[Any]) -> View:
    """Of `view.lua`."""
    *stamp, since, cells, counts = answer
    return View(_stamp(stamp), since, _cells(cells, counts))


def viewers(answer: bytes) -> list[dict[Encoding, list[str]]]:
    """Of `viewers.lua`: for each viewport its connections, by the encoding they want."""
    return [_by_encoding(line) for line in answer.decode().split("\n")]


def conservation(answer: list[Any]) -> Conservation:
    """Of `check.lua`."""
    stamp, seen, counted = answer[:4], answer[4], answer[5:]
    sums, cells = (
        dict(zip(counted[::3], counted[1::3], strict=True)),
        dict(zip(counted[::3], counted[2::3], strict=True)),
    )
    return Conservation(_stamp(stamp), seen, sums, cells)


def publishing(answer: list[Any]) -> Publishing:
    """Of `publish.lua`."""
    epoch, rev, outcome = answer
    return Publishing(epoch.decode(), rev, Outcome(outcome.decode()))


def _stamp(values: list[Any]) -> Stamp:
    epoch, rev, live, last_event = values
    return Stamp(epoch.decode(), rev, live, last_event)


def _cells(cells: bytes, counts: bytes) -> dict[str, int]:
    return dict(zip(cells.decode().split(), map(int, counts.split()), strict=True))


def _by_encoding(viewers: str) -> dict[Encoding, list[str]]:
    words = viewers.split()
    found: dict[str, list[str]] = {}
    for connection_id, encoding in zip(words[::2], words[1::2], strict=True):
        if encoding in found:
            found[encoding].append(connection_id)
        else:
            found[encoding] = [connection_id]
    return {_ENCODINGS[encoding]: connections for encoding, connections in found.items()}
