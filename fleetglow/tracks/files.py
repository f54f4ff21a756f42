"""Reads a track file of any known kind, gzipped or not: what it holds tells the kind, not its name."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from fleetglow.errors import BadInput
from fleetglow.tracks.csv_file import read_csv
from fleetglow.tracks.fix import Fix, Reject
from fleetglow.tracks.geojson_file import read_geojson
from fleetglow.tracks.gpx_file import read_gpx

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_LOOKED_AT = 4096


def read_fixes(path: Path, reject: Reject) -> Iterator[Fix]:
    """The fixes of a CSV, GPX or GeoJSON file in the order in which they stand there.

    Args:
        reject: told of each place that is not a fix.

    Raises:
        BadInput: the file cannot be read, or is of no known kind.
    """
    name = path.name
    try:
        with _opened(path) as file:
            head = file.peek(_LOOKED_AT)[:_LOOKED_AT].removeprefix(_BOM).lstrip()
            if b"\0" in head or not head:
                raise BadInput(
                    f"{name}: expected CSV, GPX or GeoJSON, got {'binary data' if head else 'an empty file'}"
                )
            if head.startswith(b"<"):
                yield from read_gpx(file, name, reject)
            elif head.startswith((b"{", b"[")):
                yield from read_geojson(file.read().removeprefix(_BOM), name, reject)
            else:
                # A byte that is not UTF-8 spoils its line at most.
                text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
                yield from read_csv(text, name, reject)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{path}: expected a readable file, got: {reason}") from error


def _opened(path: Path) -> io.BufferedReader:
    file = path.open("rb")
    if file.peek(2)[:2] != _GZIP:
        return file
    file.close()
    return io.BufferedReader(cast("io.RawIOBase", gzip.open(path)))
