import json
from typing import Any

import pytest
from hypothesis import given

from described_rest import DOCUMENT
from factories import NOW, a_body
from heatmap.cells import BBox
from heatmap.cities import Cities, City, cities
from heatmap.errors import InvalidInput, TooLarge
from heatmap.pings import MAX_AGE_MS, MAX_BODY_BYTES, MAX_PINGS, Parsed, parse
from heatmap.quality import Quality
from heatmap.records import decode, encode
from heatmap.register import merged, position
from junk import DEPTHS, TEXT, VALUES, damaged, nested, outcome, spoiled, written


def parsed(*pings: object) -> Parsed:
    return parse(json.dumps({"pings": pings}).encode(), NOW, cities())


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("lat", float("nan"), "out_of_range"),
        ("lat", float("inf"), "out_of_range"),
        ("lat", float("-inf"), "out_of_range"),
        ("lat", 1e300, "out_of_range"),
        ("lat", 91, "out_of_range"),
        ("lat", "6.5", "wrong_type"),
        ("lat", True, "wrong_type"),
        ("lat", None, "wrong_type"),
        ("lat", ..., "missing"),
        ("lon", float("nan"), "out_of_range"),
        ("lon", float("inf"), "out_of_range"),
        ("lon", -1e300, "out_of_range"),
        ("lon", 181, "out_of_range"),
        ("lon", [3.4], "wrong_type"),
        ("lon", ..., "missing"),
        ("driver_id", "", "out_of_range"),
        ("driver_id", "x" * 300, "out_of_range"),
        ("driver_id", 7, "wrong_type"),
        ("driver_id", None, "wrong_type"),
        ("driver_id", ..., "missing"),
        ("driver_id", "a{b", "bad_characters"),
        ("driver_id", "a}b", "bad_characters"),
        ("driver_id", "a:b", "bad_characters"),
        ("driver_id", "a\nb", "bad_characters"),
        ("driver_id", "a\n", "bad_characters"),
        ("driver_id", "a\x00b", "bad_characters"),
        ("driver_id", "a\ud800b", "bad_characters"),
        ("driver_id", "a\u3000b", "bad_characters"),
        ("sampled_at", 0, "too_old"),
        ("sampled_at", "1970-01-01T00:00:00Z", "too_old"),
        ("sampled_at", 1_700_000_000, "too_old"),
        ("sampled_at", "2100-01-01T00:00:00Z", "future"),
        ("sampled_at", 4_102_444_800_000, "future"),
        ("sampled_at", 10**400, "future"),
        ("sampled_at", "yesterday", "invalid"),
        ("sampled_at", "2023-11-14T22:13:19", "invalid"),
        ("sampled_at", 1.5, "wrong_type"),
        ("sampled_at", True, "wrong_type"),
        ("speed", -1, "out_of_range"),
        ("speed", float("nan"), "out_of_range"),
        ("heading", 361, "out_of_range"),
        ("accuracy", "good", "wrong_type"),
        ("order_id", "a:b", "bad_characters"),
        ("status", "x" * 33, "out_of_range"),
        ("city", "atlantis", "unknown_city"),
        ("city", 5, "wrong_type"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_the_ping_beside_it_is_kept(field: str, value: object, code: str):
    result = parsed(a_body(**{field: value}), a_body(driver_id="good"))

    assert [ping.driver_id for ping in result.pings] == ["good"]
    [rejection] = result.rejected
    assert (0, code) == (rejection.index, rejection.code)
    assert rejection.message.startswith(f"{field}: expected ")
    assert ", got " in rejection.message


@pytest.mark.parametrize("digits", ["9" * 5_000, "-" + "9" * 5_000, "9" * 4_300])
@pytest.mark.parametrize(
    ("field", "code"), [("lat", "out_of_range"), ("speed", "out_of_range"), ("driver_id", "wrong_type")]
)
def test_a_number_too_long_to_be_read_costs_only_the_ping_that_holds_it(field: str, code: str, digits: str):
    good, bad = (json.dumps(a_body(driver_id="good")), json.dumps(a_body(**{field: "?"})).replace('"?"', digits))

    result = parse(f'{{"pings": [{good}, {bad}, {good}, {digits}]}}'.encode(), NOW, cities())

    assert ["good", "good"] == [ping.driver_id for ping in result.pings]
    assert [(1, code), (3, "invalid")] == [(each.index, each.code) for each in result.rejected]


@pytest.mark.parametrize("item", [None, 5, "ping", [], True])
def test_what_is_no_object_is_refused_as_a_ping(item: object):
    [rejection] = parsed(item).rejected

    assert rejection.message.startswith("ping: expected an object, got ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"  ", "not_json"),
        (b"{", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"driver_id": "a", "lat": 1, "lon": 1, "x": ' + b"[" * 100_000, "not_json"),
        (
            b'{"pings": [{"driver_id": "a", "lat": 1, "lon": 1, "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}]}",
            "not_json",
        ),
        (b'{"driver_id": "\xff"}', "not_utf8"),
        (b"null", "invalid"),
        (b"[]", "invalid"),
        (b'"ping"', "invalid"),
        (b'{"pings": null}', "invalid"),
        (b'{"pings": {}}', "invalid"),
        (b'{"pings": []}', "invalid"),
    ],
)
def test_a_body_that_holds_no_pings_is_refused(body: bytes, code: str):
    with pytest.raises(InvalidInput) as refusal:
        parse(body, NOW, cities())

    assert code == refusal.value.code


def test_a_batch_over_the_limit_is_refused_whole():
    with pytest.raises(TooLarge, match="pings: expected 1 to 500 pings, got 501"):
        parsed(*[a_body()] * (MAX_PINGS + 1))


def test_a_body_over_the_limit_is_refused_unread():
    with pytest.raises(TooLarge, match="body: expected at most"):
        parse(b" " * (MAX_BODY_BYTES + 1), NOW, cities())


def test_a_full_batch_is_taken():
    assert len(parsed(*[a_body()] * MAX_PINGS).pings) == MAX_PINGS


def test_a_single_ping_needs_no_batch():
    result = parse(json.dumps(a_body()).encode(), NOW, cities())

    assert [ping.driver_id for ping in result.pings] == ["driver-1"]


def test_a_ping_without_a_time_was_taken_when_it_came():
    [ping] = parsed(a_body(sampled_at=...)).pings

    assert (ping.sampled_at, ping.received_at) == (NOW, NOW)


@pytest.mark.parametrize("text", ["2023-11-14T22:13:19Z", "2023-11-14T23:13:19+01:00", "2023-11-14T22:13:19.000Z"])
def test_a_time_may_be_written_as_rfc_3339(text: str):
    [ping] = parsed(a_body(sampled_at=text)).pings

    assert ping.sampled_at == NOW - 1_000


def test_a_clock_a_little_ahead_counts_as_now():
    [ping] = parsed(a_body(sampled_at=NOW + 30_000)).pings

    assert ping.sampled_at == NOW


def test_a_month_old_reading_from_an_offline_buffer_is_taken():
    [ping] = parsed(a_body(sampled_at=NOW - MAX_AGE_MS)).pings

    assert ping.sampled_at == NOW - MAX_AGE_MS


@pytest.mark.parametrize("position", [(90, 180), (-90, -180), (0, 180), (0, 0.01)])
def test_the_edges_of_the_world_are_on_it(position: tuple[float, float]):
    [ping] = parsed(a_body(lat=position[0], lon=position[1])).pings

    assert position == (ping.lat, ping.lon)


@pytest.mark.parametrize("position", [(0, 0), (0.0, -0.0), (0.005, -0.009)])
def test_the_position_of_a_device_that_has_none_is_refused(position: tuple[float, float]):
    [rejection] = parsed(a_body(lat=position[0], lon=position[1])).rejected

    assert "zero_island" == rejection.code
    assert rejection.message.startswith("lat: expected ")


def test_a_city_that_lies_at_0_0_has_drivers_there():
    island = Cities([City("null", "Null Island", "UTC", BBox(-0.1, -0.1, 0.1, 0.1))])

    [ping] = parse(json.dumps(a_body(lat=0, lon=0)).encode(), NOW, island).pings

    assert "null" == ping.city


def test_a_reading_that_may_be_a_long_way_off_is_refused():
    result = parsed(a_body(accuracy=1_000), a_body(accuracy=1_001))

    assert 1 == len(result.pings)
    [rejection] = result.rejected
    assert (1, "inaccurate") == (rejection.index, rejection.code)
    assert "accuracy: expected at most 1000 metres in lagos, got 1001.0" == rejection.message


@pytest.mark.parametrize(
    ("field", "taken", "refused"), [("accuracy", 50, 51), ("sampled_at", NOW + 5_000, NOW + 5_001)]
)
def test_a_city_may_be_stricter_than_the_others(field: str, taken: int, refused: int):
    own = Quality(max_accuracy_m=50, future_ms=5_000)
    strict = Cities([City("lagos", "Lagos", "Africa/Lagos", BBox(6, 3, 7, 4), own)])
    body = json.dumps({"pings": [a_body(**{field: taken}), a_body(**{field: refused})]}).encode()

    result = parse(body, NOW, strict)

    assert (1, [1]) == (len(result.pings), [each.index for each in result.rejected])
    assert 2 == len(parse(body, NOW, cities()).pings)


def test_a_position_outside_every_city_belongs_to_its_region():
    [ping] = parsed(a_body(lat=0.5, lon=0.5)).pings

    assert "s00" == ping.city


def test_a_city_that_is_named_but_does_not_hold_the_position_does_not_get_it():
    [ping] = parsed(a_body(city="london")).pings

    assert "lagos" == ping.city


def test_a_field_of_the_senders_own_is_passed_over():
    assert len(parsed(a_body(battery=0.5)).pings) == 1


@pytest.mark.parametrize("value", [float("nan"), {"deep": [1]}, "x" * 10_000])
def test_a_refused_value_is_shown_in_short(value: Any):
    [rejection] = parsed(a_body(heading=value)).rejected

    assert len(rejection.message) < 200


CODES = set(DOCUMENT["components"]["schemas"]["code"]["enum"])
GOOD = a_body(speed=8.5, heading=90, accuracy=5, order_id="order-1", status="busy", city="lagos")
BODIES = written(VALUES | spoiled(GOOD, {"pings": [GOOD, a_body(sampled_at="2023-11-14T22:13:19+00:00")]})).map(
    lambda text: text.encode()
) | damaged(json.dumps({"pings": [GOOD, GOOD]}).encode())


@given(BODIES)
def test_whatever_comes_each_ping_is_taken_or_refused_with_a_code_that_is_described(body: bytes):
    result = outcome(lambda: parse(body, NOW, cities()), InvalidInput)

    if isinstance(result, InvalidInput):
        assert result.code in CODES
        assert ": expected " in str(result)
        return
    document = json.loads(body)
    sent = len(document["pings"]) if "pings" in document else 1
    refused = [each.index for each in result.rejected]

    assert sent == len(result.pings) + len(refused)
    assert set(range(sent)) >= set(refused)
    assert sorted(set(refused)) == refused
    assert CODES >= {each.code for each in result.rejected}
    assert all(": expected " in each.message for each in result.rejected)
    # Whatever is taken can be written, read and kept.
    for record in encode(result.pings) if result.pings else ():
        for flat in merged([decode(record)]).values():
            assert [position(bytes(each)) for each in flat[1::2]]


@pytest.mark.parametrize("field", [*GOOD, "of_its_own"])
@given(TEXT)
def test_a_text_that_no_utf_8_can_hold_costs_only_its_ping(field: str, text: str):
    result = parsed(GOOD | {field: text + "\ud800"}, GOOD | {text + "\udfff": 1})

    assert ([0] if field in GOOD else []) == [each.index for each in result.rejected]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("body", ["{}", '{{"pings": {}}}', '{{"pings": [{}]}}', '{{"driver_id": "d", "lat": {}}}'])
def test_a_body_of_any_depth_is_refused(body: str, depth: int):
    try:
        refused = parse(body.format(nested(depth)).encode(), NOW, cities()).rejected
    except InvalidInput:
        return

    assert 1 == len(refused)
