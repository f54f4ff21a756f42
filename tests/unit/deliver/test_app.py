import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from adapters.management.outcome import Outcome
from adapters.management.sender import Report
from deliver import app
from factories import LambdaContext, an_sqs_event
from fakes.queue import FakeQueue
from heatmap.deliveries import Delivery, jobs

FUNCTIONS = Path(__file__).parents[3] / "functions"


class FakeFanOut:
    """Reaches every connection whose id does not say otherwise."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.patience_s = 0.0

    def send(self, deliveries: list[Delivery], patience_s: float) -> Report:
        self.patience_s = patience_s
        report = Report({}, {}, [])
        for delivery in deliveries:
            for connection in delivery.connections:
                outcome = report.outcomes[connection] = Outcome(connection.partition("-")[0])
                report.durations_s.append(0.004)
                if outcome is Outcome.SENT:
                    self.sent += [(connection, message) for message in delivery.messages]
                elif outcome.is_drop:
                    report.causes.setdefault(outcome, f"because of {connection}")
        return report


@pytest.fixture
def fan_out(monkeypatch: pytest.MonkeyPatch) -> FakeFanOut:
    fan_out = FakeFanOut()
    monkeypatch.setattr(app, "fan_out", lambda: fan_out)
    return fan_out


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    gone = FakeQueue()
    monkeypatch.setattr(app, "gone_connections", lambda: gone)
    return gone


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()
    monkeypatch.setattr(app, "count", lambda name, value=1: counted.update({name: value}))
    monkeypatch.setattr(app, "milliseconds", lambda name, value: counted.update({name: value}))
    return counted


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines in the log, each with its level."""
    lines: list[dict[str, Any]] = []
    for level in ("warning", "error"):
        monkeypatch.setattr(
            app.logger,
            level,
            lambda message, level=level, **fields: lines.append({"level": level, "message": message} | fields),
        )
    return lines


def deliver(*deliveries: Delivery, remaining_ms: int = 30_000) -> None:
    app.lambda_handler(an_sqs_event(*jobs(deliveries)), LambdaContext(remaining_ms=remaining_ms))


def test_every_connection_gets_its_messages(fan_out: FakeFanOut, gone: FakeQueue):
    deliver(Delivery(["sent-1", "sent-2"], ["{}"]), Delivery(["sent-3"], ["[1]", "[2]"]))

    assert [("sent-1", "{}"), ("sent-2", "{}"), ("sent-3", "[1]"), ("sent-3", "[2]")] == fan_out.sent


def test_a_gone_connection_is_reported_and_the_others_are_served(fan_out: FakeFanOut, gone: FakeQueue):
    deliver(Delivery(["gone-1", "sent-1", "throttled-1"], ["{}"]))

    assert (["gone-1"], [("sent-1", "{}")]) == (gone.bodies, fan_out.sent)


def test_an_unreadable_job_does_not_keep_the_others(fan_out: FakeFanOut, gone: FakeQueue):
    app.lambda_handler(an_sqs_event("junk", *jobs([Delivery(["sent-1"], ["{}"])])), LambdaContext())

    assert [("sent-1", "{}")] == fan_out.sent


def test_what_became_of_the_viewers_is_counted(fan_out: FakeFanOut, gone: FakeQueue, counted: Counter[str]):
    dropped = ["throttled-1", "throttled-2", "timed_out-1", "failed-1", "forbidden-1"]

    deliver(Delivery(["sent-1", "sent-2", "gone-1", *dropped], ["{}"]))

    assert {
        "viewers_sent": 2,
        "viewers_gone": 1,
        "viewers_dropped": 5,
        "posts_throttled": 2,
        "posts_timed_out": 1,
        "posts_failed": 1,
        "posts_forbidden": 1,
        "post_duration_p99": 4,
    } == counted


def test_each_reason_for_a_drop_is_one_line_in_the_log(
    fan_out: FakeFanOut, gone: FakeQueue, logged: list[dict[str, Any]]
):
    deliver(Delivery([f"throttled-{n}" for n in range(100)] + ["sent-1", "gone-1", "forbidden-1"], ["{}"]))

    dropped = {"message": "frames dropped"}
    assert [
        {"level": "warning", "reason": "throttled", "viewers": 100, "example": "because of throttled-0"} | dropped,
        {"level": "error", "reason": "forbidden", "viewers": 1, "example": "because of forbidden-1"} | dropped,
    ] == logged


def test_when_all_is_well_nothing_is_logged(fan_out: FakeFanOut, gone: FakeQueue, logged: list[dict[str, Any]]):
    deliver(Delivery(["sent-1", "gone-1"], ["{}"]))

    assert [] == logged


def test_a_registry_that_cannot_be_told_of_the_gone_costs_no_frame(
    fan_out: FakeFanOut, gone: FakeQueue, counted: Counter[str], logged: list[dict[str, Any]]
):
    gone.is_down = True

    deliver(Delivery(["gone-1", "sent-1"], ["{}"]))

    assert 1 == counted["unavailable"]
    assert ["gone connections not reported"] == [line["message"] for line in logged]


@pytest.mark.parametrize(("remaining_ms", "patience_s"), [(30_000, 20), (12_000, 7), (4_000, -1)])
def test_posting_ends_well_before_the_function_does(
    fan_out: FakeFanOut, gone: FakeQueue, remaining_ms: int, patience_s: float
):
    deliver(Delivery(["sent-1"], ["{}"]), remaining_ms=remaining_ms)

    assert patience_s == fan_out.patience_s


def test_the_same_jobs_twice_are_posted_twice_and_do_no_harm(fan_out: FakeFanOut, gone: FakeQueue):
    event = an_sqs_event(*jobs([Delivery(["sent-1", "gone-1"], [json.dumps({"rev": 1})])]))
    for _ in range(2):
        app.lambda_handler(event, LambdaContext())

    assert [("sent-1", '{"rev": 1}')] * 2 == fan_out.sent
    assert ["gone-1"] * 2 == gone.bodies


def test_it_starts_without_the_live_states_client_and_other_peoples_http_clients():
    code = "import sys, deliver.app; print(*sorted({'redis', 'aiohttp', 'chalice', 'jwt'} & set(sys.modules)))"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(FUNCTIONS)}
    ).stdout

    assert "" == printed.strip()
