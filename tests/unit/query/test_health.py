"""What the health of the parts makes of the whole."""

from typing import Any

import pytest

from factories import NOW
from heatmap.errors import Unavailable
from query import health


def silent() -> dict[str, Any]:
    raise Unavailable("nobody is there")


def late() -> dict[str, Any]:
    return health.stream(15_001, 15_000)


def well() -> dict[str, Any]:
    return health.stream(15_000, 15_000)


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
