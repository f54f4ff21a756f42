"""What `fleetglow check` says; the comparison itself is made in `tests/integration/test_check.py`."""

from fleetglow.commands.check import readable, reason_not_exact
from heatmap.state import Conservation, Stamp


def test_each_city_is_a_line():
    found = {"lagos": Conservation(Stamp("e1", 3, 12, 0), 12, {4: 12, 5: 12}, {4: 1, 5: 2})}

    assert ["lagos: 12 live drivers; sum over the cells 12 at precision 4, 12 at precision 5"] == [*readable(found)]


def test_it_is_exact_where_every_sum_is_that_of_the_live_drivers():
    assert None is reason_not_exact({"lagos": Conservation(Stamp("e1", 3, 12, 0), 12, {4: 12}, {4: 1})})


def test_a_city_whose_sums_differ_is_named():
    found = {
        "lagos": Conservation(Stamp("e1", 3, 12, 0), 12, {4: 12}, {4: 1}),
        "london": Conservation(Stamp("e1", 3, 12, 0), 12, {4: 11}, {4: 1}),
    }

    assert "the sums over the cells differ from the live drivers in london" == reason_not_exact(found)


def test_a_city_whose_cells_nobody_counts_is_not_called_exact():
    found = {"lagos": Conservation(Stamp("e1", 3, 12, 0), 12, {}, {})}

    reason = "no precision is counted at present in lagos: there is nothing to compare the live drivers with"
    assert reason == reason_not_exact(found)
    assert ["lagos: 12 live drivers; sum over the cells at no precision"] == [*readable(found)]


def test_where_nobody_drives_nothing_has_to_be_counted():
    assert None is reason_not_exact({"lagos": Conservation(Stamp("e1", 3, 0, 0), 0, {}, {})})


def test_that_there_is_no_city_is_said():
    assert ["no city has drivers: there is nothing to compare"] == [*readable({})]
