"""What the health of the parts makes of the whole."""

import threading
from typing import Any

import pytest

from factories import NOW
from heatmap.errors import Unavailable
from query import health


def silent() -> dict[str, Any]:
    raise Unavailable("nobody is there", "cache-1.internal:6379 refused")


def late() -> dict[str, Any]:
    return health.stream_health(15_001, 15_000)


def well() -> dict[str, Any]:
    return health.stream_health(15_000, 15_000)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([], "ok"),
        ([well, well], "ok"),
        ([well, late, well], "degraded"),
        ([late, silent], "unavailable"),
        ([silent, late], "unavailable"),
    ],
)
def test_the_whole_is_as_well_as_its_worst_part(parts: list[health.Measure], status: str):
    measured = health.measured({str(index): part for index, part in enumerate(parts)}, NOW)

    assert status == measured["status"]


def test_each_part_says_how_it_is_and_what_is_wrong():
    measured = health.measured({"one": well, "two": late, "three": silent}, NOW)

    assert {"status": "ok", "lag_ms": 15_000} == measured["one"]
    reason = "the counts are 15.0 s behind the pings, more than 15 s"
    assert {"status": "degraded", "lag_ms": 15_001, "reason": reason} == measured["two"]
    assert {"status": "unavailable", "reason": "nobody is there"} == measured["three"]


@pytest.mark.parametrize(
    ("depth", "reason"),
    [
        (1, "1 message waits in the failure queue to be redriven"),
        (1_200, "1,200 messages wait in the failure queue to be redriven"),
    ],
)
def test_what_waits_to_be_redriven_is_degraded(depth: int, reason: str):
    assert {"status": "degraded", "reason": reason, "depth": depth} == health.failures_health(depth)


def test_an_empty_failure_queue_is_well():
    measured = health.measured({"failures": lambda: health.failures_health(0)}, NOW)

    assert {"status": "ok", "depth": 0} == measured["failures"]


def test_parts_are_asked_side_by_side():
    # Whoever comes alone waits in vain.
    everybody = threading.Barrier(3, timeout=10)

    def together() -> dict[str, Any]:
        return {"place": everybody.wait()}

    measured = health.measured(dict.fromkeys("abc", together), NOW)

    assert [0, 1, 2] == sorted(measured[part]["place"] for part in "abc")


def test_a_part_that_hangs_is_named_and_does_not_hold_up_the_answer():
    answer_wanted_no_more = threading.Event()

    def hanging() -> dict[str, Any]:
        answer_wanted_no_more.wait(10)
        return {}

    measured = health.measured({"one": well, "two": hanging}, NOW, patience_s=0.5)
    answer_wanted_no_more.set()

    assert ("unavailable", "ok") == (measured["status"], measured["one"]["status"])
    assert {"status": "unavailable", "reason": "no answer within 0.5 s"} == measured["two"]
