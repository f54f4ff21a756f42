"""What `fleetglow status` makes of an answer of GET /health."""

import json

import pytest

from fleetglow.failure_queue import ADVICE
from fleetglow.health import OK, unwell, waiting

WELL = {"status": "ok", "stream": {"status": "ok", "lag_ms": 0}, "failures": {"status": "ok", "depth": 0}}
LATE = {"status": "degraded", "reason": "16 s behind", "lag_ms": 16_000}
WAITING = {"status": "degraded", "reason": "1 message waits", "depth": 1}
SILENT = {"status": "unavailable", "reason": "no answer"}


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, json.dumps(WELL), OK),
        (200, json.dumps(WELL | {"status": "degraded", "stream": LATE}), "stream: 16 s behind"),
        (
            503,
            json.dumps(WELL | {"status": "unavailable", "stream": LATE, "failures": SILENT}),
            "stream: 16 s behind; failures: no answer",
        ),
        (200, json.dumps(WELL | {"status": "degraded", "failures": WAITING}), OK),
        (200, json.dumps(WELL | {"status": "degraded", "stream": LATE, "failures": WAITING}), "stream: 16 s behind"),
        (503, '{"status": "degraded"}', 'GET /health: 503 {"status": "degraded"}'),
        (502, '{"message": "Internal server error"}', 'GET /health: 502 {"message": "Internal server error"}'),
        (200, "<html>", "GET /health: 200 <html>"),
        (200, "[]", "GET /health: 200 []"),
        ("no answer: refused", "", "GET /health: no answer: refused "),
    ],
)
def test_what_is_not_well_is_said_in_one_line(status: int | str, body: str, state: str):
    assert state == unwell(status, body)


@pytest.mark.parametrize(
    ("messages", "state"),
    [
        (0, OK),
        (1, f"1 message waits in the failure queue: {ADVICE}"),
        (1_200, f"1,200 messages wait in the failure queue: {ADVICE}"),
    ],
)
def test_a_failure_queue_is_well_if_nothing_waits_in_it(messages: int, state: str):
    assert state == waiting(messages)
