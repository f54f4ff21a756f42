from contextlib import closing
from random import Random

from fleetglow.tracks.fix import Fix
from fleetglow.tracks.sorting import SortedFixes


def a_fix(at: int, driver_id: str = "d1") -> Fix:
    return Fix(at, driver_id, 6.5, 3.4, heading=90)


def test_fixes_come_by_time_however_many_runs_they_make():
    fixes = [a_fix(at) for at in range(25)]
    shuffled = Random(1).sample(fixes, len(fixes))
    with closing(SortedFixes(shuffled, run_length=4)) as by_time:
        assert fixes == list(by_time)
        assert fixes == list(by_time)
        assert (25, 0, 0.024) == (by_time.count, by_time.first, by_time.duration_s)


def test_fixes_of_the_same_time_keep_their_order():
    fixes = [a_fix(1, f"d{number}") for number in range(10)]
    with closing(SortedFixes(fixes, run_length=3)) as by_time:
        assert fixes == list(by_time)


def test_nothing_is_sorted_to_nothing():
    with closing(SortedFixes([])) as by_time:
        assert [] == list(by_time)
        assert (0, 0) == (by_time.count, by_time.duration_s)
