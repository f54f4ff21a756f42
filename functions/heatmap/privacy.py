"""What somebody sees who may not see single drivers: no count below a least one, and no way to find one out.

At the finest published precision a cell of fewer than `least` drivers counts as empty. A coarser cell counts what its
published children do, and of the drivers that are missing there as many whole groups of `least` as there are. So a
count is 0 or at least `least`, and what a cell has more than its children is a multiple of `least`, at every moment:
no comparison of precisions sets fewer drivers apart. What that guarantees, and what not, is in `docs/privacy.md`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from heatmap.access import ADMIN, DRIVERS_READ, Principal
from heatmap.errors import NotAllowed
from heatmap.state import Stamp
from heatmap.viewports import Audience

# Finer cells are counted only while somebody watches them, so there is nothing that their counts could be derived from.
FINEST = 7


class Published(msgspec.Struct, frozen=True):
    """What is published of a city at one moment.

    Attributes:
        cells: for each published precision the count of each cell that is not 0.
        drivers: in the whole city.
    """

    cells: dict[int, dict[str, int]]
    drivers: int


def audience_of(principal: Principal) -> Audience:
    """Which counts somebody may see."""
    return Audience.EXACT if principal.scopes & {DRIVERS_READ, ADMIN} else Audience.PUBLIC


def precisions_for(audience: Audience, precisions: Sequence[int]) -> tuple[int, ...]:
    """Those of the counted precisions that an audience may see."""
    return tuple(each for each in precisions if audience is Audience.EXACT or each <= FINEST)


def least_told(audience: Audience, least: int) -> int:
    """The least count, other than 0, that an audience is told; `least` is that of what is published."""
    return 1 if audience is Audience.EXACT else least


def require_precision(principal: Principal, precision: int) -> None:
    """Raise NotAllowed unless somebody may see cells as fine as that."""
    if not precisions_for(audience_of(principal), [precision]):
        raise NotAllowed(f"precision: expected at most {FINEST} without the scope {DRIVERS_READ}, got {precision}")


def published(counts: Mapping[str, int], precisions: Sequence[int], least: int) -> Published:
    """What may be told of exact counts.

    Args:
        counts: of the cells at the finest of the precisions.
        precisions: that are published, ascending; where there are none, nothing is.
        least: drivers that a count must have to be told; 1 tells all of them.
    """
    cells: dict[int, dict[str, int]] = {}
    shown = {cell: count for cell, count in counts.items() if count >= least}
    # Of the drivers in each cell, those that its published count leaves out.
    hidden = {cell: count for cell, count in counts.items() if 0 < count < least}
    for precision, coarser in pairwise([*reversed(precisions), 0]):
        cells[precision] = shown
        shown, hidden = _coarser(shown, hidden, coarser, least)
    return Published(cells, shown.get("", 0))


def published_stamp(exact: Stamp, drivers: int) -> Stamp:
    """The stamp of a publication of a state, which tells of no event where no driver is shown.

    Its epoch and revision are for those who publish; viewers are told those of what is published.
    """
    return msgspec.structs.replace(exact, live=drivers, last_event=exact.last_event if drivers else 0)


def frames_stamp(stamp: Stamp) -> Stamp:
    """The stamp that frames of a published state bear: without the last event, in which every driver has a part."""
    return msgspec.structs.replace(stamp, last_event=0)


def reading_stamp(drivers: int) -> Stamp:
    """The stamp of what is published for somebody who asks once.

    It has no epoch, revision or event: a city's own change with every driver, also with one who is not shown.
    """
    return Stamp(epoch="", rev=0, live=drivers, last_event=0)


def _coarser(
    shown: dict[str, int], hidden: dict[str, int], precision: int, least: int
) -> tuple[dict[str, int], dict[str, int]]:
    """What the cells of a coarser precision show and hide, by what their children do."""
    sums, left = _sums(shown, precision), _sums(hidden, precision)
    for cell, count in left.items():
        if count >= least:
            sums[cell] = sums.get(cell, 0) + count - count % least
    return sums, {cell: count % least for cell, count in left.items() if count % least}


def _sums(cells: dict[str, int], precision: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for cell, count in cells.items():
        coarse = cell[:precision]
        sums[coarse] = sums.get(coarse, 0) + count
    return sums
