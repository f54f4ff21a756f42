"""What is published, and what can be made of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import TESTER
from heatmap.access import SCOPES, principal
from heatmap.errors import NotAllowed
from heatmap.privacy import (
    Published,
    audience_of,
    precisions_for,
    published,
    published_stamp,
    reading_stamp,
    require_precision,
)
from heatmap.state import Stamp
from heatmap.viewports import Audience

type Counts = Mapping[str, int]

# Few places, so that they share parents of every size.
CELLS = st.text("01z", min_size=7, max_size=7)
PRECISIONS = st.sampled_from([(4, 5, 6, 7), (5, 6, 7), (4, 7), (7,), (5, 6)])
LEAST = st.integers(2, 5)


@st.composite
def cities(draw: st.DrawFn) -> tuple[dict[str, int], tuple[int, ...], int]:
    """Counts at the finest published precision, the published precisions, and the least count."""
    precisions, least = draw(PRECISIONS), draw(LEAST)
    return counted(draw(st.lists(CELLS, max_size=60)), precisions[-1]), precisions, least


def counted(places: Iterable[str], precision: int) -> dict[str, int]:
    return dict(Counter(place[:precision] for place in places))


def sums(counts: Counts, precision: int) -> dict[str, int]:
    """Of the cells of a coarser precision; 0 is the city."""
    found: Counter[str] = Counter()
    for cell, count in counts.items():
        found[cell[:precision]] += count
    return found


def levels(shown: Published) -> dict[int, dict[str, int]]:
    """Everything that is published, the city being precision 0."""
    return {0: {"": shown.drivers} if shown.drivers else {}} | dict(sorted(shown.cells.items()))


def excesses(shown: Published) -> Iterator[int]:
    """What each cell, and the city, has more than its children."""
    by_precision = levels(shown)
    for coarser, finer in zip(by_precision, list(by_precision)[1:], strict=False):
        children = sums(by_precision[finer], coarser)
        for cell in {*children, *by_precision[coarser]}:
            yield by_precision[coarser].get(cell, 0) - children.get(cell, 0)


@given(cities())
def test_no_count_is_below_the_least_and_none_of_nobody_is_told(city: tuple[dict[str, int], tuple[int, ...], int]):
    shown = published(*city)

    assert all(count >= city[2] for counts in levels(shown).values() for count in counts.values())


@given(cities())
def test_a_count_is_never_more_than_the_exact_one_and_less_than_the_least_below_it(
    city: tuple[dict[str, int], tuple[int, ...], int],
):
    counts, _, least = city

    for precision, shown in levels(published(*city)).items():
        exact = sums(counts, precision)
        assert shown.keys() <= exact.keys()
        assert all(0 <= count - shown.get(cell, 0) < least for cell, count in exact.items())


@given(cities())
def test_what_a_cell_has_more_than_its_children_is_a_multiple_of_the_least(
    city: tuple[dict[str, int], tuple[int, ...], int],
):
    more = list(excesses(published(*city)))

    assert all(excess >= 0 and excess % city[2] == 0 for excess in more)


@given(cities(), st.lists(CELLS, max_size=5))
def test_where_drivers_come_no_count_falls(city: tuple[dict[str, int], tuple[int, ...], int], arriving: list[str]):
    counts, precisions, least = city
    before = levels(published(counts, precisions, least))
    after = levels(published(Counter(counts) + Counter(counted(arriving, precisions[-1])), precisions, least))

    assert all(count <= after[p].get(cell, 0) for p, cells in before.items() for cell, count in cells.items())


@given(cities())
def test_with_a_least_count_of_one_everything_is_told(city: tuple[dict[str, int], tuple[int, ...], int]):
    counts, precisions, _ = city

    assert {p: sums(counts, p) for p in precisions} == published(counts, precisions, 1).cells


def test_an_example_as_the_page_has_it():
    counts = {"s14mk2x": 5, "s14mk2y": 2, "s14mk2z": 2, "s14mk31": 1, "s14mm00": 2}

    assert Published({7: {"s14mk2x": 5}, 6: {"s14mk2": 8}, 5: {"s14mk": 8}}, 11) == published(counts, (5, 6, 7), 3)


def test_without_a_published_precision_nothing_is_told():
    assert Published({}, 0) == published({"s14mk2xx": 9}, (), 3)


# --- An attacker who knows the rule, and tries every fleet that there may be: which of them look as what is published?
#
# In trees as small as these a hidden cell gives itself away more often than anywhere on a map.

FLAT = ((1,), list("abc"))
DEEP = ((1, 2), ["aa", "ab", "ba", "bb"])
WIDE = ((1, 2), ["aa", "ab", "ac", "ba"])
TALL = ((1, 2, 3), ["aaa", "aab", "aba", "baa"])


def can_be_empty(hidden: str, shown: Published, precisions: tuple[int, ...], cells: list[str], least: int) -> bool:
    """Whether the cells beside a hidden one can make up for the groups that are shown above it.

    Args:
        cells: all that there are at the finest precision.
    """
    # How many drivers each cell can hide.
    room = {cell: 0 if cell == hidden or cell in shown.cells[precisions[-1]] else least - 1 for cell in cells}
    by_precision = levels(shown)
    for coarser, finer in zip([0, *precisions[:-1]][::-1], precisions[::-1], strict=True):
        shown_children = sums(by_precision[finer], coarser)
        left = {
            cell: sum(most for child, most in room.items() if child.startswith(cell))
            - by_precision[coarser].get(cell, 0)
            + shown_children.get(cell, 0)
            for cell in {child[:coarser] for child in room}
        }
        if min(left.values()) < 0:
            return False
        room = {cell: min(most, least - 1) for cell, most in left.items()}
    return True


@pytest.mark.parametrize("least", [2, 3])
@pytest.mark.parametrize(("precisions", "cells"), [FLAT, DEEP, WIDE, TALL], ids=["flat", "deep", "wide", "tall"])
def test_a_hidden_cell_may_as_well_be_empty_unless_those_beside_it_hide_nearly_all_they_can(
    precisions: tuple[int, ...], cells: list[str], least: int
):
    alike: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for fleet in product(range(least + 2), repeat=len(cells)):
        alike[str(levels(published(dict(zip(cells, fleet, strict=True)), precisions, least)))].append(fleet)

    open_questions = 0
    for fleets in alike.values():
        shown = published(dict(zip(cells, fleets[0], strict=True)), precisions, least)
        for n, cell in enumerate(cells):
            if cell not in shown.cells[precisions[-1]]:
                possible = {fleet[n] for fleet in fleets}
                assert can_be_empty(cell, shown, precisions, cells, least) == (0 in possible)
                open_questions += 0 in possible and len(possible) > 1
    assert open_questions


@given(cities())
def test_on_a_map_with_empty_places_no_hidden_cell_gives_itself_away(
    city: tuple[dict[str, int], tuple[int, ...], int],
):
    counts, precisions, least = city
    shown = published(counts, precisions, least)
    every = [a + b for a in {cell[:-1] for cell in counts} for b in "0123456789bcdefghjkmnpqrstuvwxyz"]

    # A cell has 32 children, of which at most three hold anybody here.
    for cell in [cell for cell in counts if cell not in shown.cells[precisions[-1]]]:
        assert can_be_empty(cell, shown, precisions, every, least)


# --- Who sees what.


def reader(scope: str) -> Callable[[], Audience]:
    return lambda: audience_of(principal(TESTER | {"scope": scope}))


def test_only_who_may_see_single_drivers_sees_exact_counts():
    exact = [scope for scope in SCOPES if reader(scope)() is Audience.EXACT]

    assert ["drivers:read", "admin"] == exact
    assert Audience.PUBLIC is reader("pings:write heatmap:read orders:read dispatch:write")()


def test_cells_of_a_street_are_for_those_only():
    assert (4, 7) == precisions_for(Audience.PUBLIC, (4, 7, 8))
    assert (4, 7, 8) == precisions_for(Audience.EXACT, (4, 7, 8))
    require_precision(principal({"scope": "drivers:read"}), 8)
    require_precision(principal({"scope": "heatmap:read"}), 7)
    with pytest.raises(NotAllowed, match="precision: expected at most 7 without the scope drivers:read, got 8"):
        require_precision(principal({"scope": "heatmap:read"}), 8)


def test_where_no_driver_is_shown_no_event_is_told():
    exact = Stamp("epoch", rev=7, live=2, last_event=1_000)

    assert Stamp("epoch", 7, 0, 0) == published_stamp(exact, 0)
    assert Stamp("epoch", 7, 3, 1_000) == published_stamp(exact, 3)


def test_who_asks_once_is_told_of_no_revision_and_no_event():
    assert [Stamp("", 0, 0, 0), Stamp("", 0, 3, 0)] == [reading_stamp(0), reading_stamp(3)]
