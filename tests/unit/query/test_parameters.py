"""Query strings: whatever they say is a precision and a box, or refused by the parameter's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatmap.cells import BBox
from heatmap.errors import InvalidInput
from junk import TEXT, outcome
from query import parameters

OFFERED = (4, 5, 6, 7, 8)
ODD = ["", "-0", "1e400", "nan", "07", "9" * 5_000, "\N{ARABIC-INDIC DIGIT SEVEN}"]
NUMBERS = st.integers().map(str) | st.floats().map(str) | st.sampled_from(ODD)


@given(NUMBERS | TEXT)
def test_a_precision_is_a_number_or_refused(text: str):
    found = outcome(lambda: parameters.precision({"precision": text}, OFFERED), InvalidInput)

    if isinstance(found, InvalidInput):
        assert ("precision", "unknown_precision") == (found.field, found.code)
    else:
        assert 0 <= found < 100
        assert int(text) == found


@given(st.lists(NUMBERS | TEXT, max_size=6).map(",".join) | TEXT)
def test_a_box_is_in_the_world_or_refused(text: str):
    found = outcome(lambda: parameters.bbox({"bbox": text}), InvalidInput)

    if isinstance(found, InvalidInput):
        assert "bbox" == found.field
        return
    assert isinstance(found, BBox)
    assert -90 <= found.south < found.north <= 90
    assert -180 <= found.west < found.east <= 180
    assert found == parameters.bbox({"bbox": f"{found.south!r},{found.west!r},{found.north!r},{found.east!r}"})


@pytest.mark.parametrize(("offered", "default"), [(OFFERED, 7), ((4, 5), 5)])
def test_without_parameters_the_whole_city_is_shown(offered: tuple[int, ...], default: int):
    assert (default, None) == (parameters.precision({}, offered), parameters.bbox({}))
