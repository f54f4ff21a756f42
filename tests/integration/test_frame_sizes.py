"""What viewers of a large city are sent stays small: measured as the benchmark does, on few ticks."""

import os
from typing import Any
from unittest.mock import patch

import pytest

from benchmarks import frames


@pytest.fixture(scope="module")
def medians() -> dict[str, dict[int, dict[str, float]]]:
    with patch.dict(os.environ):
        detail: dict[str, Any] = frames.run(ticks=3).detail
    return detail["medians_by_place_and_precision"]


@pytest.mark.parametrize(
    ("place", "kind", "at_most"), [("city", "delta", 4_000), ("city", "snapshot", 8_000), ("screen", "delta", 1_500)]
)
def test_deflated_frames_of_ten_thousand_drivers_stay_small(
    medians: dict[str, dict[int, dict[str, float]]], place: str, kind: str, at_most: int
):
    assert at_most > medians[place][7][f"{kind}_deflate_bytes"]


@pytest.mark.parametrize("kind", ["delta", "snapshot"])
def test_even_undeflated_frames_are_smaller_than_plain_json(medians: dict[str, dict[int, dict[str, float]]], kind: str):
    assert 0.7 * medians["city"][7][f"{kind}_plain_json_bytes"] > medians["city"][7][f"{kind}_json_bytes"]
