import json
from collections import Counter
from typing import Any

import pytest

from deliver import deliverer
from deliver.deliverer import Deliverer, QueuedJob
from factories import NOW
from fakes.fan_out import FakeFanOut
from fakes.queue import FakeQueue
from heatmap.deliveries import Delivery, endings, jobs

PATIENCE_S = 20.0


@pytest.fixture
def delivering(fan_out: FakeFanOut, gone: FakeQueue) -> Deliverer:
    """A deliverer half a second after the jobs were put on the queue."""
    return Deliverer(fan_out, lambda: gone, clock=lambda: NOW + 500)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was counted and measured."""
    counted: Counter[str] = Counter()
    monkeypatch.setattr(deliverer, "count", lambda name, value=1: counted.update({name: value}))
    monkeypatch.setattr(deliverer, "milliseconds", lambda name, value: counted.update({name: value}))
    return counted


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines in the log, each with its level."""
    lines: list[dict[str, Any]] = []
    for level in ("warning", "error"):
        monkeypatch.setattr(
            deliverer.logger,
            level,
            lambda message, level=level, **fields: lines.append({"level": level, "message": message} | fields),
        )
    return lines


def queued(*deliveries: Delivery, sent_at: int = NOW) -> list[QueuedJob]:
    return [QueuedJob(str(index), body, sent_at) for index, body in enumerate(jobs(deliveries))]


def test_every_connection_gets_its_messages(delivering: Deliverer, fan_out: FakeFanOut):
    delivering.deliver(queued(Delivery(["sent-1", "sent-2"], ["{}"]), Delivery(["sent-3"], ["[1]", "[2]"])), PATIENCE_S)

    assert [("sent-1", "{}"), ("sent-2", "{}"), ("sent-3", "[1]"), ("sent-3", "[2]")] == fan_out.sent
    assert PATIENCE_S == fan_out.send_patience_s


def test_a_gone_connection_is_reported_and_the_others_are_served(
    delivering: Deliverer, fan_out: FakeFanOut, gone: FakeQueue
):
    delivering.deliver(queued(Delivery(["gone-1", "sent-1", "throttled-1"], ["{}"])), PATIENCE_S)

    assert (["gone-1"], [("sent-1", "{}")]) == (gone.bodies, fan_out.sent)


def test_where_nobody_is_gone_the_registrys_queue_is_not_even_opened(fan_out: FakeFanOut):
    opened: list[FakeQueue] = []

    def open_queue() -> FakeQueue:
        opened.append(FakeQueue())
        return opened[-1]

    delivering = Deliverer(fan_out, open_queue, clock=lambda: NOW)

    delivering.deliver(queued(Delivery(["sent-1", "throttled-1"], ["{}"])), PATIENCE_S)

    assert [] == opened


def test_an_unreadable_job_does_not_keep_the_others(delivering: Deliverer, fan_out: FakeFanOut):
    delivering.deliver([QueuedJob("7", "junk", NOW), *queued(Delivery(["sent-1"], ["{}"]))], PATIENCE_S)

    assert [("sent-1", "{}")] == fan_out.sent


def test_what_became_of_the_viewers_is_counted(delivering: Deliverer, counted: Counter[str]):
    dropped = ["throttled-1", "throttled-2", "timed_out-1", "failed-1", "forbidden-1"]

    delivering.deliver(queued(Delivery(["sent-1", "sent-2", "gone-1", *dropped], ["{}"])), PATIENCE_S)

    assert {
        "viewers_sent": 2,
        "viewers_gone": 1,
        "viewers_dropped": 5,
        "posts_throttled": 2,
        "posts_timed_out": 1,
        "posts_failed": 1,
        "posts_forbidden": 1,
        "post_duration_p99": 4,
        "frame_age": 500,
    } == counted


def test_frames_are_as_old_as_the_oldest_job_of_the_batch(delivering: Deliverer, counted: Counter[str]):
    frames = Delivery(["sent-1"], ["{}"])

    delivering.deliver(queued(frames) + queued(frames, sent_at=NOW - 4_000), PATIENCE_S)

    assert 4_500 == counted["frame_age"]


def test_what_holds_no_frames_says_nothing_of_their_age(delivering: Deliverer, counted: Counter[str]):
    ends, junk = [QueuedJob("8", *endings(["sent-1"]), NOW - 9_000)], [QueuedJob("9", "junk", NOW - 9_000)]

    delivering.deliver(ends + junk, PATIENCE_S)
    assert "frame_age" not in counted

    delivering.deliver(ends + junk + queued(Delivery(["sent-1"], ["{}"])), PATIENCE_S)
    assert 500 == counted["frame_age"]


def test_only_connections_that_were_open_till_then_are_counted_as_closed(
    delivering: Deliverer, gone: FakeQueue, counted: Counter[str]
):
    [ends] = endings(["sent-1", "gone-1", "failed-1"])

    delivering.deliver([QueuedJob("8", ends, NOW)], PATIENCE_S)

    assert 1 == counted["connections_expired"]
    assert ["sent-1", "gone-1"] == gone.bodies


def test_a_role_that_may_not_close_connections_is_counted_as_one_that_may_not_post(
    delivering: Deliverer, counted: Counter[str], logged: list[dict[str, Any]]
):
    [ends] = endings(["forbidden-1", "forbidden-2", "throttled-1"])

    delivering.deliver([QueuedJob("8", ends, NOW)], PATIENCE_S)

    assert {"posts_forbidden": 2} == {name: number for name, number in counted.items() if name.startswith("posts_")}
    not_closed = {"message": "connections not closed"}
    assert [
        {"level": "error", "reason": "forbidden", "viewers": 2, "example": "because of forbidden-1"} | not_closed,
        {"level": "warning", "reason": "throttled", "viewers": 1, "example": "because of throttled-1"} | not_closed,
    ] == logged


def test_each_reason_for_a_drop_is_one_line_in_the_log(delivering: Deliverer, logged: list[dict[str, Any]]):
    delivering.deliver(
        queued(Delivery([f"throttled-{n}" for n in range(100)] + ["sent-1", "gone-1", "forbidden-1"], ["{}"])),
        PATIENCE_S,
    )

    dropped = {"message": "frames dropped"}
    assert [
        {"level": "warning", "reason": "throttled", "viewers": 100, "example": "because of throttled-0"} | dropped,
        {"level": "error", "reason": "forbidden", "viewers": 1, "example": "because of forbidden-1"} | dropped,
    ] == logged


def test_when_all_is_well_nothing_is_logged(delivering: Deliverer, logged: list[dict[str, Any]]):
    delivering.deliver(queued(Delivery(["sent-1", "gone-1"], ["{}"])), PATIENCE_S)

    assert [] == logged


def test_a_registry_that_cannot_be_told_of_the_gone_costs_no_frame(
    delivering: Deliverer, gone: FakeQueue, counted: Counter[str], logged: list[dict[str, Any]]
):
    gone.is_down = True

    delivering.deliver(queued(Delivery(["gone-1", "sent-1"], ["{}"])), PATIENCE_S)

    assert 1 == counted["unavailable"]
    assert ["gone connections not reported"] == [line["message"] for line in logged]


def test_the_same_jobs_twice_are_posted_twice_and_do_no_harm(
    delivering: Deliverer, fan_out: FakeFanOut, gone: FakeQueue
):
    batch = queued(Delivery(["sent-1", "gone-1"], [json.dumps({"rev": 1})]))
    for _ in range(2):
        delivering.deliver(batch, PATIENCE_S)

    assert [("sent-1", '{"rev": 1}')] * 2 == fan_out.sent
    assert ["gone-1"] * 2 == gone.bodies
