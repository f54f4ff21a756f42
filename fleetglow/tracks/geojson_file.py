"""Tracks as GeoJSON (RFC 7946): Points with their time among the properties, or lines with a list of times.

A LineString or MultiPoint has its times in `properties.coordTimes` or `properties.times`, one for each position, as
the common converters from GPX write them. The document is held in memory, its features are decoded one by one.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from fleetglow.errors import BadInput
from fleetglow.tracks.csv_file import COLUMNS
from fleetglow.tracks.fix import Fix, Reject, Unreadable, fix

_TIMES = ("coordTimes", "times")
_NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Document(msgspec.Struct):
    type: str = ""
    features: list[msgspec.Raw] | None = None


class _Geometry(msgspec.Struct):
    type: str = ""
    coordinates: Any = None


class _Feature(msgspec.Struct):
    id: Any = None
    geometry: _Geometry | None = None
    properties: dict[str, Any] | None = None


def read_geojson(body: bytes, name: str, reject: Reject) -> Iterator[Fix]:
    """The fixes of a document, feature by feature.

    Raises:
        BadInput: it is neither a FeatureCollection nor a Feature.
    """
    try:
        document = msgspec.json.decode(body, type=_Document)
    except _NO_JSON as error:
        raise BadInput(f"{name}: expected GeoJSON, got {error}") from error
    if document.type == "Feature":
        features: list[msgspec.Raw] = [msgspec.Raw(body)]
    elif document.type == "FeatureCollection" and document.features is not None:
        features = document.features
    else:
        raise BadInput(f"{name}: expected a GeoJSON FeatureCollection or Feature, got {document.type or 'neither'!r}")
    for number, raw in enumerate(features, start=1):
        place = f"feature {number}"
        try:
            feature = msgspec.json.decode(raw, type=_Feature)
        except _NO_JSON as error:
            reject(place, f"expected a feature, got {error}")
            continue
        yield from _fixes(feature, f"{name.partition('.')[0]}-{number}", place, reject)


def _fixes(feature: _Feature, name: str, place: str, reject: Reject) -> Iterator[Fix]:
    properties = feature.properties or {}
    geometry = feature.geometry or _Geometry()
    extras = [_first(properties, COLUMNS[column]) for column in ("speed", "heading", "accuracy")]
    driver = _first(properties, (*COLUMNS["driver"], "name"))
    driver = driver if driver is not None else feature.id if feature.id is not None else name
    readings: list[tuple[Any, Any]]
    match geometry.type:
        case "Point":
            readings = [(_first(properties, COLUMNS["time"]), geometry.coordinates)]
        case "LineString" | "MultiPoint":
            times, positions = _first(properties, _TIMES), geometry.coordinates
            if not isinstance(times, list) or not isinstance(positions, list) or len(times) != len(positions):
                reject(place, f"expected properties.{' or '.join(_TIMES)} with a time for each position")
                return
            readings, extras = list(zip(times, positions, strict=True)), []
        case _:
            reject(place, f"expected a Point, LineString or MultiPoint, got {geometry.type or 'no geometry'}")
            return
    for number, (at, position) in enumerate(readings, start=1):
        try:
            lon, lat = position[:2] if isinstance(position, list) and len(position) >= 2 else (None, None)
            yield fix(driver, at, lat, lon, *extras)
        except Unreadable as error:
            reject(place if len(readings) == 1 else f"{place} position {number}", str(error))


def _first(properties: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of the properties that is there."""
    return next((properties[name] for name in names if properties.get(name) is not None), None)
