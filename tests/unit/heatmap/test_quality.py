import re
from math import isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatmap.cells import BBox
from heatmap.cities import Cities, City, cities
from heatmap.quality import DEFAULT, METRES_PER_DEGREE, Quality, distance_m, is_too_far, is_zero_island

PAGE = (Path(__file__).parents[3] / "docs/pings.md").read_text()

positions = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ((6.52, 3.38), (6.53, 3.38), 1_112),
        ((0, 179.999), (0, -179.999), 222.4),
        ((89.999, 0), (89.999, 180), 222.4),
        ((51.5, -0.1), (51.5, -0.1), 0),
        ((90, 0), (-90, 0), 12_742_000),
    ],
)
def test_a_distance_is_in_metres(a: tuple[float, float], b: tuple[float, float], metres: float):
    assert isclose(metres, distance_m(*a, *b), rel_tol=0.001, abs_tol=0.01)


@given(positions, positions, positions)
def test_a_detour_is_never_shorter(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]):
    assert distance_m(*a, *c) <= distance_m(*a, *b) + distance_m(*b, *c) + 1e-6


@given(positions, positions)
def test_degrees_added_up_are_never_less_than_the_way(a: tuple[float, float], b: tuple[float, float]):
    assert distance_m(*a, *b) <= (abs(a[0] - b[0]) + abs(a[1] - b[1])) * METRES_PER_DEGREE + 1e-6


def test_too_far_is_further_than_the_speed_allows():
    assert not is_too_far(350, 5_000, 70)
    assert is_too_far(351, 5_000, 70)


@pytest.mark.parametrize("position", [(0, 0), (0.0099, -0.0099), (-0.0, 0.001)])
def test_zero_island_is_around_0_0(position: tuple[float, float]):
    assert is_zero_island(*position)


@pytest.mark.parametrize("position", [(0.01, 0), (0, -0.01), (0, 180), (6.5, 0)])
def test_zero_island_is_small(position: tuple[float, float]):
    assert not is_zero_island(*position)


def test_a_city_may_have_bounds_of_its_own():
    own = Quality(max_accuracy_m=50, jump_speed=120)
    some = Cities([City("desert", "Desert", "UTC", BBox(20, 20, 21, 21), own)])

    assert own == some.quality("desert")


@pytest.mark.parametrize("name", ["lagos", "s00"])
def test_cities_and_regions_have_the_usual_bounds(name: str):
    assert DEFAULT == cities().quality(name)


def test_the_page_has_every_bound_with_its_default():
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE.split("## Bounds of a city")[1], re.MULTILINE))

    assert {
        "max_accuracy_m": f"{DEFAULT.max_accuracy_m:g}",
        "future_ms": str(DEFAULT.future_ms),
        "jump_speed": "the parameter `JumpSpeed`",
    } == told
    assert told.keys() == set(Quality.__struct_fields__)
