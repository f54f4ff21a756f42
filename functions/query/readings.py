"""What is published of a city, for those who ask for it now and then."""

from typing import NamedTuple

from adapters.live_state import LiveState
from heatmap.privacy import Published, precisions_for, published, reading_stamp
from heatmap.state import Conservation, Stamp, View
from heatmap.viewports import Audience


class Reading(NamedTuple):
    """What was published of a city.

    Attributes:
        at: when that was read, UTC milliseconds.
    """

    stamp: Stamp
    published: Published
    at: int

    def view(self, precision: int) -> View:
        """All of its cells at a precision."""
        return View(self.stamp, 0, self.published.cells[precision])

    def stats(self) -> Conservation:
        """Its drivers and cells."""
        cells = self.published.cells
        sums = {precision: sum(counts.values()) for precision, counts in cells.items()}
        return Conservation(self.stamp, self.stamp.live, sums, {p: len(counts) for p, counts in cells.items()})


def read(state: LiveState, city: str, least: int, now: int) -> Reading:
    """What may be told of a city at this moment.

    Args:
        least: drivers that a count must have to be told.
        now: UTC milliseconds.

    Raises:
        Unavailable: the live state did not answer.
    """
    precisions = precisions_for(Audience.PUBLIC, state.precisions)
    exact = state.view(city, (precisions or state.precisions)[-1])
    made = published(exact.cells, precisions, least)
    # Of the exact stamp nothing may be told.
    return Reading(reading_stamp(made.drivers), made, now)
