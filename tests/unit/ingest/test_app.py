import base64
import json
from collections import Counter
from typing import Any

import pytest

from factories import LambdaContext, a_body, a_rest_event, a_socket_event
from fakes.ping_stream import FakePingStream
from heatmap.limits import RateLimit
from heatmap.records import decode
from ingest import app, intake


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> FakePingStream:
    stream = FakePingStream()
    monkeypatch.setattr(app, "stream", lambda: stream)
    return stream


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was counted."""
    counted: Counter[str] = Counter()

    def count(name: str, value: int = 1) -> None:
        counted[name] += value

    monkeypatch.setattr(intake, "count", count)
    return counted


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pings of a driver at once, and one in a quarter of an hour after that."""
    limit = RateLimit(1 / 900, 3)
    monkeypatch.setattr(app, "rate_limit", lambda: limit)


def fresh(**fields: Any) -> dict[str, Any]:
    """A ping of this moment."""
    return a_body(sampled_at=..., **fields)


def post(body: object, scope: str = "pings:write", **limits: str) -> tuple[int, dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    event = a_rest_event("POST", "/pings", text, scope=scope)
    event["requestContext"]["authorizer"] |= limits
    answer = app.lambda_handler(event, LambdaContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_good_pings_are_accepted_and_written_as_one_record(stream: FakePingStream):
    status, answer = post({"pings": [fresh(driver_id=f"driver-{n}") for n in range(500)]})

    assert (202, {"accepted": 500, "rejected": []}) == (status, answer)
    [record] = stream.records
    assert 500 == len(decode(record).cities["lagos"])


def test_a_bad_ping_is_refused_and_the_ones_beside_it_are_written(stream: FakePingStream):
    status, answer = post({"pings": [fresh(), fresh(lat=91), fresh(driver_id="driver-2")]})

    assert (202, 2) == (status, answer["accepted"])
    assert [(each["index"], each["code"]) for each in answer["rejected"]] == [(1, "out_of_range")]
    assert [s.driver_id for s in decode(stream.records[0]).cities["lagos"]] == ["driver-1", "driver-2"]


def test_a_request_without_a_good_ping_is_refused_and_writes_nothing(stream: FakePingStream):
    status, answer = post(fresh(lat=91))

    assert (400, 0) == (status, answer["accepted"])
    assert [] == stream.records


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 400, "not_json"),
        ("{", 400, "not_json"),
        ("\ud800", 400, "not_utf8"),
        ({"pings": []}, 400, "invalid"),
        ({"pings": [{}] * 501}, 413, "too_large"),
        (" " * 1_048_577, 413, "too_large"),
    ],
)
def test_a_body_that_holds_no_pings_is_answered_with_code_and_message(
    stream: FakePingStream, body: object, status: int, code: str
):
    answered, answer = post(body)

    assert (status, code) == (answered, answer["code"])
    assert answer["message"]
    assert [] == stream.records


def test_a_body_sent_as_bytes_is_read(stream: FakePingStream):
    event = a_rest_event("POST", "/pings", base64.b64encode(json.dumps(fresh()).encode()).decode())
    event["isBase64Encoded"] = True

    assert 202 == app.lambda_handler(event, LambdaContext())["statusCode"]


def test_a_token_without_the_scope_writes_nothing(stream: FakePingStream):
    status, answer = post(fresh(), scope="heatmap:read")

    assert (403, "forbidden") == (status, answer["code"])
    assert [] == stream.records


def test_a_driver_sends_its_own_pings_and_no_others(stream: FakePingStream):
    batch = {"pings": [fresh(driver_id="van-1"), fresh(driver_id="van-2"), fresh(driver_id="van-1", lat=6.53)]}

    status, answer = post(batch, sub="van-1", drivers="")

    assert (202, 2) == (status, answer["accepted"])
    [refused] = answer["rejected"]
    assert (1, "forbidden") == (refused["index"], refused["code"])
    assert refused["message"].startswith("driver_id: ")
    assert ["van-1", "van-1"] == [s.driver_id for s in decode(stream.records[0]).cities["lagos"]]


def test_a_ping_from_a_city_that_the_token_is_not_for_is_refused(stream: FakePingStream):
    _, answer = post({"pings": [fresh(), fresh(lat=51.5, lon=0.0)]}, cities="lagos")

    [refused] = answer["rejected"]
    assert (1, 1, "forbidden") == (answer["accepted"], refused["index"], refused["code"])
    assert refused["message"].startswith("city: ")


def test_when_another_token_would_have_helped_all_of_them_the_request_is_forbidden(stream: FakePingStream):
    status, answer = post({"pings": [fresh(), fresh()]}, drivers="")

    assert (403, 0, 2) == (status, answer["accepted"], len(answer["rejected"]))
    assert [] == stream.records


def test_when_it_would_have_helped_only_some_the_request_is_bad(stream: FakePingStream):
    assert 400 == post({"pings": [fresh(), fresh(lat=91)]}, drivers="")[0]


def test_a_driver_who_pings_too_fast_is_refused_from_there_on_and_told_when_to_go_on(stream: FakePingStream):
    status, answer = post({"pings": [fresh(), fresh(driver_id="bus"), *[fresh()] * 4]})

    assert (202, 4) == (status, answer["accepted"])
    assert [(4, "rate_limited"), (5, "rate_limited")] == [(e["index"], e["code"]) for e in answer["rejected"]]
    assert all(899_000 <= each["retry_after_ms"] <= 900_000 for each in answer["rejected"])
    assert 4 == len(decode(stream.records[0]).cities["lagos"])


def test_a_request_of_which_every_ping_comes_too_fast_is_to_be_sent_again_later(stream: FakePingStream):
    post({"pings": [fresh()] * 3})
    event = a_rest_event("POST", "/pings", json.dumps({"pings": [fresh()] * 2}))

    answer = app.lambda_handler(event, LambdaContext())

    assert (429, "900") == (answer["statusCode"], answer["headers"]["Retry-After"])
    assert 2 == len(json.loads(answer["body"])["rejected"])
    assert 1 == len(stream.records)


def test_a_request_that_is_bad_as_well_is_not_to_be_sent_again(stream: FakePingStream):
    post({"pings": [fresh()] * 3})

    assert 400 == post({"pings": [fresh(), fresh(lat=91)]})[0]


def test_a_ping_of_another_driver_does_not_use_up_theirs(stream: FakePingStream):
    post({"pings": [fresh(driver_id="van-2")] * 10}, sub="van-1", drivers="")

    assert 202 == post(fresh(driver_id="van-2"))[0]


def test_why_pings_are_refused_is_counted_and_adds_up(stream: FakePingStream, counted: Counter[str]):
    refused = [
        fresh(lat=91),
        fresh(driver_id="a:b"),
        fresh(lat=0, lon=0),
        fresh(accuracy=5_000),
        a_body(sampled_at="2100-01-01T00:00:00Z"),
        a_body(sampled_at=0),
        fresh(lat=51.5, lon=0.0),
    ]

    post({"pings": [*refused, *[fresh()] * 5]}, cities="lagos")

    assert {
        "pings_accepted": 3,
        "pings_rejected": 9,
        "pings_invalid": 2,
        "pings_zero_island": 1,
        "pings_inaccurate": 1,
        "pings_future": 1,
        "pings_too_old": 1,
        "pings_forbidden": 1,
        "pings_rate_limited": 2,
    } == counted


def test_when_the_stream_is_down_the_sender_is_told_to_come_back(stream: FakePingStream):
    stream.is_down = True

    answer = app.lambda_handler(a_rest_event("POST", "/pings", json.dumps(fresh())), LambdaContext())

    assert (503, "1") == (answer["statusCode"], answer["headers"]["Retry-After"])


def over_the_socket(message: dict[str, Any], scope: str = "pings:write", **limits: str) -> dict[str, Any]:
    event = a_socket_event(message["action"], message, scope=scope)
    event["requestContext"]["authorizer"] |= limits
    answer: dict[str, Any] = json.loads(app.lambda_handler(event, LambdaContext())["body"])
    return answer


def test_a_driver_may_ping_over_the_socket(stream: FakePingStream):
    answer = over_the_socket({"action": "ping", "ping": fresh()})

    assert answer == {"type": "ack", "action": "ping", "accepted": 1, "rejected": []}
    assert 1 == len(stream.records)


def test_a_batch_over_the_socket_names_its_bad_pings(stream: FakePingStream):
    answer = over_the_socket({"action": "pings", "pings": [fresh(), fresh(lon=181)]})

    assert (1, "out_of_range") == (answer["accepted"], answer["rejected"][0]["code"])


def test_a_driver_who_pings_too_fast_over_the_socket_is_told_when_to_go_on(stream: FakePingStream):
    answer = over_the_socket({"action": "pings", "pings": [fresh()] * 4})

    assert ("ack", 3) == (answer["type"], answer["accepted"])
    [refused] = answer["rejected"]
    assert (3, "rate_limited") == (refused["index"], refused["code"])
    assert 0 < refused["retry_after_ms"] <= 900_000


@pytest.mark.parametrize(
    "message", [{"action": "ping"}, {"action": "pings", "pings": "x"}, {"action": "ping", "ping": []}]
)
def test_a_socket_message_without_pings_is_an_error(stream: FakePingStream, message: dict[str, Any]):
    assert "error" == over_the_socket(message)["type"]


def test_a_viewer_may_not_ping_over_the_socket(stream: FakePingStream):
    assert over_the_socket({"action": "ping", "ping": fresh()}, scope="heatmap:read")["code"] == "forbidden"


def test_a_driver_pings_for_itself_over_the_socket(stream: FakePingStream):
    answer = over_the_socket(
        {"action": "pings", "pings": [fresh(driver_id="van-2"), fresh(driver_id="van-1")]}, sub="van-1", drivers=""
    )

    assert ("ack", 1, [(0, "forbidden")]) == (
        answer["type"],
        answer["accepted"],
        [(each["index"], each["code"]) for each in answer["rejected"]],
    )
