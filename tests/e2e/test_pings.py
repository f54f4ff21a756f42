"""Pings through the whole stack: API Gateway, ingest, Kinesis, aggregate, Valkey, and back by REST."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from e2e.support import Api, is_live, settled, until
from fleetglow.deployment import Deployment
from heatmap.cells import cell_of


def good(driver_id: str, lat: float = 6.5, lon: float = 3.4) -> dict[str, Any]:
    return {"driver_id": driver_id, "lat": lat, "lon": lon}


def test_a_ping_is_in_the_heatmap_a_moment_later(api: Api):
    cell = cell_of(-1.29, 36.82, 7)
    before = api.get("/heatmap?city=nairobi")["cells"].get(cell, 0)

    assert {"accepted": 1, "rejected": []} == api.post_pings(good("nairobi-1", -1.29, 36.82))

    until(lambda: api.get("/heatmap?city=nairobi&precision=7")["cells"].get(cell, 0) == before + 1)


BAD_BODIES = [
    ("empty", b"", "not_json"),
    ("not JSON", b"{", "not_json"),
    ("not UTF-8", b'{"driver_id": "\xff\xfe"}', "not_utf8"),
    ("null", b"null", "invalid"),
    ("no pings", b'{"pings": []}', "invalid"),
    ("501 pings", json.dumps({"pings": [good("x")] * 501}).encode(), "too_large"),
    ("over the limit", b" " * 1_100_000, "too_large"),
]


@pytest.mark.parametrize("label", ["application/x-www-form-urlencoded", "text/plain"])
def test_json_is_json_whatever_it_is_labelled(api: Api, label: str):
    body = json.dumps(good("labelled")).encode()

    assert (202, {"accepted": 1, "rejected": []}) == api.call("POST", "/pings", body, {"Content-Type": label})


def test_a_form_is_told_that_json_was_expected(api: Api):
    label = {"Content-Type": "application/x-www-form-urlencoded"}

    status, answer = api.call("POST", "/pings", b"driver_id=van-7&lat=6.5&lon=3.4", label)

    assert (400, "not_json") == (status, answer["code"])
    assert answer["message"].startswith('body: expected JSON, got "driver_id=van-7&lat=...": ')


BAD_FIELDS = [
    ("lat", "NaN"),
    ("lat", "Infinity"),
    ("lat", "-Infinity"),
    ("lat", "1e300"),
    ("lat", "91"),
    ("lon", "181"),
    ("lat", '"6.5"'),
    ("lat", "true"),
    ("lat", "null"),
    ("sampled_at", "0"),
    ("sampled_at", '"1970-01-01T00:00:00Z"'),
    ("sampled_at", '"2100-01-01T00:00:00Z"'),
    ("driver_id", '""'),
    ("driver_id", json.dumps("x" * 300)),
    ("driver_id", '"a{b"'),
    ("driver_id", '"a}b"'),
    ("driver_id", '"a:b"'),
    ("driver_id", '"a\\nb"'),
    ("driver_id", '"a\\u0000b"'),
    ("city", '"atlantis"'),
]


@pytest.mark.parametrize(("body", "code"), [each[1:] for each in BAD_BODIES], ids=[each[0] for each in BAD_BODIES])
def test_a_body_that_holds_no_pings_is_refused_with_code_and_sentence(api: Api, body: bytes, code: str):
    status, answer = api.call("POST", "/pings", body)

    assert (True, code) == (400 <= status < 500, answer["code"])
    assert ": expected " in answer["message"]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_named_and_the_ping_beside_it_is_counted(api: Api, stack: Deployment, field: str, value: str):
    driver_id = f"beside-{BAD_FIELDS.index((field, value))}"
    bad = json.dumps({name: v for name, v in good("bad").items() if name != field})[:-1] + f', "{field}": {value}}}'
    body = f'{{"pings": [{bad}, {json.dumps(good(driver_id))}]}}'.encode()

    status, answer = api.call("POST", "/pings", body)

    assert (202, 1) == (status, answer["accepted"])
    [rejection] = answer["rejected"]
    assert (0, True) == (rejection["index"], rejection["message"].startswith(f"{field}: expected "))
    until(lambda: is_live(stack, "lagos", driver_id))


@pytest.mark.parametrize("field", ["driver_id", "lat", "lon"])
def test_a_missing_field_is_named(api: Api, field: str):
    ping = good("incomplete")
    del ping[field]

    status, answer = api.call("POST", "/pings", ping)

    assert (400, "missing") == (status, answer["rejected"][0]["code"])
    assert answer["rejected"][0]["message"].startswith(f"{field}: expected ")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("city=atlantis", "city"),
        ("", "city"),
        ("city=lagos&precision=12", "precision"),
        ("city=lagos&bbox=7,3,6,4", "bbox"),
        ("city=lagos&bbox=6,179,7,-179", "bbox"),
        ("city=lagos&bbox=nan,3,7,4", "bbox"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_field(api: Api, query: str, field: str):
    status, answer = api.call("GET", f"/heatmap?{query}")

    assert (400, True) == (status, answer["message"].startswith(f"{field}: expected "))


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/pings"), ("GET", "/heatmap?city=lagos"), ("GET", "/stats"), ("GET", "/cities")]
)
@pytest.mark.parametrize("authorization", ["", "Bearer junk", "Basic eDp5"])
def test_without_a_valid_token_every_door_is_shut(api: Api, method: str, path: str, authorization: str):
    status, _ = api.call(method, path, good("x") if method == "POST" else None, {"Authorization": authorization})

    assert 401 == status


def test_health_needs_no_token(api: Api):
    status, answer = api.call("GET", "/health", headers={"Authorization": ""})

    assert (200, "ok") == (status, answer["status"])


def test_after_all_of_this_no_function_stalled_and_the_counts_are_exact(
    api: Api, stack: Deployment, exact: Callable[[], bool], failures: Callable[[], list[Any]]
):
    api.post_pings(good("last-of-all"))

    until(lambda: is_live(stack, "lagos", "last-of-all"))
    settled(api)
    assert exact()
    assert [] == failures()
