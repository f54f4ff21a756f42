import base64
import json
from typing import Any

import pytest

from factories import LambdaContext, a_body, a_rest_event, a_socket_event
from fakes.ping_stream import FakePingStream
from heatmap.records import decode
from ingest import app


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> FakePingStream:
    stream = FakePingStream()
    monkeypatch.setattr(app, "stream", lambda: stream)
    return stream


def fresh(**fields: Any) -> dict[str, Any]:
    """A ping of this moment."""
    return a_body(sampled_at=..., **fields)


def post(body: object, scope: str = "pings:write") -> tuple[int, dict[str, Any]]:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = app.lambda_handler(a_rest_event("POST", "/pings", text, scope=scope), LambdaContext())
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


def test_when_the_stream_is_down_the_sender_is_told_to_come_back(stream: FakePingStream):
    stream.is_down = True

    answer = app.lambda_handler(a_rest_event("POST", "/pings", json.dumps(fresh())), LambdaContext())

    assert (503, "1") == (answer["statusCode"], answer["headers"]["Retry-After"])


def over_the_socket(message: dict[str, Any], scope: str = "pings:write") -> dict[str, Any]:
    event = a_socket_event(message["action"], message, scope=scope)
    answer: dict[str, Any] = json.loads(app.lambda_handler(event, LambdaContext())["body"])
    return answer


def test_a_driver_may_ping_over_the_socket(stream: FakePingStream):
    answer = over_the_socket({"action": "ping", "ping": fresh()})

    assert answer == {"type": "ack", "action": "ping", "accepted": 1, "rejected": []}
    assert 1 == len(stream.records)


def test_a_batch_over_the_socket_names_its_bad_pings(stream: FakePingStream):
    answer = over_the_socket({"action": "pings", "pings": [fresh(), fresh(lon=181)]})

    assert (1, "out_of_range") == (answer["accepted"], answer["rejected"][0]["code"])


@pytest.mark.parametrize(
    "message", [{"action": "ping"}, {"action": "pings", "pings": "x"}, {"action": "ping", "ping": []}]
)
def test_a_socket_message_without_pings_is_an_error(stream: FakePingStream, message: dict[str, Any]):
    assert "error" == over_the_socket(message)["type"]


def test_a_viewer_may_not_ping_over_the_socket(stream: FakePingStream):
    assert over_the_socket({"action": "ping", "ping": fresh()}, scope="heatmap:read")["code"] == "forbidden"
