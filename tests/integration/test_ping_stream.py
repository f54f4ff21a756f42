"""The stream that hangs: a server takes the connection, and says nothing."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from adapters.ping_stream import PingStream
from factories import LambdaContext, a_body, a_rest_event
from ingest import app

# The time-out of the functions in template.yaml.
TIMEOUT_S = 15


@pytest.fixture
def hanging_stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[PingStream]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("PING_STREAM", "pings")
        yield PingStream.from_env()


def test_while_the_stream_hangs_senders_are_told_in_time_to_come_back(
    hanging_stream: PingStream, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(app, "stream", lambda: hanging_stream)
    event = a_rest_event("POST", "/pings", json.dumps(a_body(sampled_at=...)))
    started = time.monotonic()

    answer = app.lambda_handler(event, LambdaContext())

    assert time.monotonic() - started < TIMEOUT_S - 2
    assert (503, "1") == (answer["statusCode"], answer["headers"]["Retry-After"])
    assert "unavailable" == json.loads(answer["body"])["code"]
