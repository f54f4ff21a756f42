import gzip
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetglow.errors import BadInput
from fleetglow.tracks.files import read_fixes
from fleetglow.tracks.fix import Fix
from heatmap.pings import FORBIDDEN_IN_IDS
from junk import DEPTHS, TEXT, VALUES, damaged, nested, spoiled, written

type Read = Callable[[str | bytes], tuple[list[Fix], list[str]]]

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HEADER = "driver_id,timestamp,latitude,longitude\n"

GPX = """<?xml version="1.0"?>
<gpx version="1.1" creator="a phone" xmlns="http://www.topografix.com/GPX/1/1">
  <metadata><name>not a driver</name></metadata>
  <wpt lat="1" lon="1"><name>home</name></wpt>
  <trk><name>Morning ride</name><trkseg>
    <trkpt lat="6.5" lon="3.4"><time>2026-01-01T00:00:00Z</time>
      <extensions><a:Extension xmlns:a="urn:a"><a:speed>8.5</a:speed><a:course>90</a:course></a:Extension></extensions>
    </trkpt>
    <trkpt lat="6.6" lon="3.5"><time>2026-01-01T00:00:05Z</time></trkpt>
  </trkseg></trk>
  <trk><trkseg>
    <trkpt lat="6.7" lon="3.6"/>
    <trkpt lat="6.7" lon="3.6"><time>2026-01-01T00:00:06Z</time></trkpt>
  </trkseg></trk>
</gpx>"""

GEOJSON = """{"type":"FeatureCollection","features":[
  {"type":"Feature","geometry":{"type":"Point","coordinates":[3.4,6.5,12]},
   "properties":{"vehicle_id":7,"time":1767225600,"speed":8.5,"bearing":90}},
  {"type":"Feature","id":"bus","geometry":{"type":"LineString","coordinates":[[3.4,6.5],[3.5,6.6]]},
   "properties":{"coordTimes":["2026-01-01T00:00:00Z","2026-01-01T00:00:05Z"]}},
  {"type":"Feature","geometry":{"type":"MultiPoint","coordinates":[[3.4,6.5]]},"properties":{"times":[1767225600000]}},
  {"type":"Feature","geometry":{"type":"Polygon","coordinates":[]},"properties":null},
  {"type":"Feature","geometry":{"type":"Point","coordinates":[200,6.5]},"properties":{"id":"a","ts":1}}
]}"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_it(content: str | bytes) -> tuple[list[Fix], list[str]]:
        path = tmp_path / "trip.dat"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        rejected: list[str] = []
        return list(read_fixes(path, lambda place, reason: rejected.append(f"{place}: {reason}"))), rejected

    return read_it


@pytest.mark.parametrize(
    "header", ["driver_id,timestamp,latitude,longitude", "id,ts,lat,lng", "Vehicle_ID, Time ,LAT,Lon"]
)
def test_csv_columns_go_by_their_common_names(read: Read, header: str):
    assert ([Fix(T0, "d1", 6.5, 3.4)], []) == read(f"{header}\nd1,2026-01-01T00:00:00Z,6.5,3.4\n")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_csv_may_be_separated_by_semicolons_or_tabs(read: Read, delimiter: str):
    text = (HEADER + "d1,1767225600,6.5,3.4\n").replace(",", delimiter)

    assert [Fix(T0, "d1", 6.5, 3.4)] == read(text)[0]


def test_csv_may_hold_speed_heading_and_accuracy(read: Read):
    fixes, _ = read("speed,course,accuracy,id,ts,lat,lon\n8.5,90,12,d1,1767225600,6.5,3.4\n")

    assert [Fix(T0, "d1", 6.5, 3.4, 8.5, 90, 12)] == fixes


def test_an_impossible_extra_is_left_out_and_the_position_kept(read: Read):
    fixes, rejected = read("id,ts,lat,lon,speed,heading\nd1,1767225600,6.5,3.4,-1,east\n")

    assert ([Fix(T0, "d1", 6.5, 3.4)], []) == (fixes, rejected)


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01 00:00:00",
        "2026-01-01T01:00:00+01:00",
        "1767225600",
        "1767225600.0",
        "1767225600000",
    ],
)
def test_a_time_may_be_rfc_3339_or_epoch_seconds_or_milliseconds(read: Read, time: str):
    assert T0 == read(f"{HEADER}d1,{time},6.5,3.4\n")[0][0].at


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("d1,yesterday,6.5,3.4", "timestamp: expected RFC 3339"),
        ("d1,1e300,6.5,3.4", "timestamp: expected RFC 3339"),
        ("d1,1767225600,96.5,3.4", "latitude: expected degrees from -90 to 90, got '96.5'"),
        ("d1,1767225600,6.5,nan", "longitude: expected degrees from -180 to 180, got 'nan'"),
        ("d1,1767225600,6.5", "longitude: expected degrees from -180 to 180, got nothing"),
        (",1767225600,6.5,3.4", "driver id: expected a name or number, got nothing"),
    ],
)
def test_a_row_that_cannot_be_read_costs_only_itself(read: Read, row: str, reason: str):
    fixes, rejected = read(f"{HEADER}d0,1767225600,6.5,3.4\n{row}\nd2,1767225600,6.5,3.4\n")

    assert ["d0", "d2"] == [fix.driver_id for fix in fixes]
    assert rejected[0].startswith(f"line 3: {reason}")


def test_a_name_that_no_ping_may_hold_is_made_fit(read: Read):
    fixes, _ = read(f"{HEADER}bus 14:{{x}},1767225600,6.5,3.4\n")

    assert "bus-14-x-" == fixes[0].driver_id


def test_a_file_may_be_gzipped_and_begin_with_a_byte_order_mark(read: Read):
    assert 1 == len(read(gzip.compress(b"\xef\xbb\xbf" + HEADER.encode() + b"d1,1767225600,6.5,3.4\n"))[0])


def test_each_gpx_track_is_a_driver(read: Read):
    fixes, rejected = read(GPX)

    assert [
        Fix(T0, "Morning-ride", 6.5, 3.4, 8.5, 90),
        Fix(T0 + 5000, "Morning-ride", 6.6, 3.5),
        Fix(T0 + 6000, "trip-2", 6.7, 3.6),
    ] == fixes
    assert ["track 2 point 1: timestamp: expected RFC 3339 or epoch seconds or milliseconds, got nothing"] == rejected


def test_gpx_that_breaks_off_gives_what_it_has(read: Read):
    fixes, rejected = read(GPX[: GPX.index("</trkseg>")])

    assert 2 == len(fixes)
    assert rejected[0].startswith("track 1 after point 2: ")


def test_geojson_points_and_lines_with_times_are_read(read: Read):
    fixes, rejected = read(GEOJSON)

    assert [
        Fix(T0, "7", 6.5, 3.4, 8.5, 90),
        Fix(T0, "bus", 6.5, 3.4),
        Fix(T0 + 5000, "bus", 6.6, 3.5),
        Fix(T0, "trip-3", 6.5, 3.4),
    ] == fixes
    assert [
        "feature 4: expected a Point, LineString or MultiPoint, got Polygon",
        "feature 5: longitude: expected degrees from -180 to 180, got 200",
    ] == rejected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "an empty file"),
        (b"\x00\x01\x02", "binary data"),
        ("hello world\n", "expected GPX, GeoJSON or CSV with a column driver_id"),
        ("id,ts,lat\n", "a column lon or lng or longitude, got id, ts, lat"),
        ("<html></html>", "expected a GPX file, got XML that begins with <html>"),
        ("<gpx", "XML that cannot be read"),
        ('{"name": "x"}', "expected a GeoJSON FeatureCollection"),
        ("{", "expected GeoJSON"),
        (gzip.compress(HEADER.encode() * 50)[:-12], "expected a readable file"),
    ],
)
def test_a_file_of_no_known_kind_is_refused_in_one_line(read: Read, content: str | bytes, expected: str):
    with pytest.raises(BadInput, match=expected) as refusal:
        read(content)

    assert 1 == len(str(refusal.value).splitlines())


@pytest.mark.parametrize(("name", "count"), [("beijing_tracks.csv.gz", 108_607), ("liverpool_bus_14.csv.gz", 1_533)])
def test_real_recordings_are_read_to_the_last_row(name: str, count: int):
    folder = os.environ.get("FLEETGLOW_DATA")
    if not folder or not (path := Path(folder, name)).exists():
        pytest.skip(f"{name} is not here: set FLEETGLOW_DATA to the folder that holds it")
    rejected: list[str] = []
    fixes = list(read_fixes(path, lambda place, _reason: rejected.append(place)))

    assert (count, []) == (len(fixes), rejected)


CELLS = st.sampled_from(
    ["d1", "2026-01-01T00:00:00Z", "6.5", "3.4", "", '"', "nan", "9" * 5_000, "0001-01-01T00:00+23"]
)
CSV = st.lists(st.lists(CELLS | TEXT.map(lambda text: text.encode(errors="ignore").decode()), max_size=6), max_size=6)
CONTENTS = (
    st.binary(max_size=60)
    | damaged(GPX.encode(), GEOJSON.encode(), gzip.compress(HEADER.encode()), GPX.encode("utf-16"))
    | written(VALUES | spoiled(json.loads(GEOJSON), json.loads(GEOJSON)["features"][1])).map(str.encode)
    | CSV.map(lambda rows: (HEADER + "\n".join(map(",".join, rows))).encode())
    | st.sampled_from(["cp932", "utf-7", "x", "ebcdic"]).map(
        lambda name: f'<?xml version="1.0" encoding="{name}"?>'.encode()
    )
)


# The folder that it shares with the examples before is overwritten.
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONTENTS)
def test_whatever_a_file_holds_is_fixes_and_places_that_are_none_or_refused(read: Read, content: bytes):
    with suppress(BadInput):
        fixes, rejected = read(content)

        for each in fixes:
            assert -90 <= each.lat <= 90
            assert -180 <= each.lon <= 180
            assert not FORBIDDEN_IN_IDS.search(each.driver_id)
        assert all(": " in each for each in rejected)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    "text",
    [
        "%s",
        '{"type":"Feature","properties":%s}',
        '{"type":"Feature","geometry":{"type":"Point","coordinates":%s}}',
        '{"type":"FeatureCollection","features":[{"geometry":{"type":"Point","coordinates":%s}}]}',
    ],
)
def test_geojson_of_any_depth_is_read_or_refused(read: Read, text: str, depth: int):
    with suppress(BadInput):
        fixes, rejected = read(text % nested(depth))

        assert ([], True) == (fixes, bool(rejected))


@pytest.mark.parametrize("place", ["id", "ts"])
@pytest.mark.parametrize("value", ["[1]", '{"a":1}'])
def test_what_geojson_has_in_place_of_a_text_is_told(read: Read, place: str, value: str):
    properties = f'{{"id":"a","ts":"",{json.dumps(place)}:{value}}}'
    point = '{"type":"Point","coordinates":[3.4,6.5]}'

    _, [rejected] = read(f'{{"type":"Feature","properties":{properties},"geometry":{point}}}')

    assert rejected.startswith("feature 1: timestamp: expected")


def test_a_header_without_end_is_refused(read: Read):
    with pytest.raises(BadInput, match="expected GPX, GeoJSON or CSV"):
        read("driver_id" * 20_000)
