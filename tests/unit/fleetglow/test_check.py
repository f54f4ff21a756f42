"""What `fleetglow check` says; the comparison itself is made in `tests/integration/test_check.py`."""

from fleetglow.commands.check import readable
from heatmap.state import Conservation, Stamp


def test_each_city_is_a_line():
    found = {"lagos": Conservation(Stamp("e1", 3, 12, 0), 12, {4: 12, 5: 12}, {4: 1, 5: 2})}

    assert ["lagos: 12 live drivers; sum over the cells 12 at precision 4, 12 at precision 5"] == [*readable(found)]


def test_that_there_is_no_city_is_said():
    assert ["no city has drivers: there is nothing to compare"] == [*readable({})]
