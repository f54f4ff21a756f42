"""Keeps what is published of a city in step with its exact counts."""

from collections import OrderedDict
from typing import Self

from adapters import settings
from adapters.live_state import LiveState
from adapters.observability import Metric, count, logger
from heatmap.errors import Unavailable
from heatmap.mirror import Mirror
from heatmap.privacy import Published, precisions_for, published, published_stamp
from heatmap.state import Outcome, Publication, Stamp
from heatmap.viewports import Audience

# Cities that are remembered, or as many as are published together; one of 100,000 drivers takes some 20 MB.
CITIES = 32

# So many cities that cannot be published in one go are no trouble of theirs: the live state does not answer.
OUTAGE = 3

# A publication is in vain only when somebody else has published in the same moment.
ATTEMPTS = 5


class _City:
    """What a publisher remembers of a city.

    Attributes:
        exact: its counts at the finest precision that is published.
        epoch, rev: where what is published stood when it was last looked at.
        standing: what it was then.
        made: what is to be published of `exact`.
    """

    def __init__(self) -> None:
        self.exact = Mirror()
        self.epoch = ""
        self.rev = 0
        self.standing = Published({}, 0)
        self.made: Published | None = None


class Publisher:
    """Publishes counts, of which none is below the least one."""

    def __init__(self, state: LiveState, least: int) -> None:
        self._state = state
        self._least = least
        self._precisions = precisions_for(Audience.PUBLIC, state.precisions)
        self._cities: OrderedDict[str, _City] = OrderedDict()
        self._most = CITIES

    @classmethod
    def of(cls, state: LiveState) -> Self:
        """A publisher of a state, as the environment has it."""
        return cls(state, settings.min_cell_drivers())

    def publish(self, cities: list[str]) -> list[str]:
        """Bring what is published of some cities up to date; returns those of which it is.

        One that is unavailable is left out, so that it keeps nobody in the others waiting.

        Raises:
            Unavailable: so were several; some of it may be done.
        """
        # They are published in the same order every time: one fewer, and each would be forgotten before its turn.
        self._most = max(CITIES, len(cities))
        done: list[str] = []
        failed = 0
        for city in cities:
            try:
                self._publish(city)
                done.append(city)
            except Unavailable as error:
                failed += 1
                if failed == OUTAGE:
                    raise
                logger.warning("city not published", city=city, reason=str(error))
                count(Metric.UNAVAILABLE)
        return done

    def publish_unless_watched(self, city: str) -> None:
        """As `publish`, unless every tick does it already because somebody watches."""
        if not self._state.is_watched(city, Audience.PUBLIC):
            self._publish(city)

    def _publish(self, city: str) -> None:
        if not self._precisions:
            return
        known = self._known(city)
        stamp, new = self._made(city, known)
        told = published_stamp(stamp, new.drivers)
        for _ in range(ATTEMPTS):
            changes = Publication(known.epoch, known.rev, told, _differences(known.standing, new))
            answer = self._state.publish(city, changes)
            if answer.outcome is Outcome.DONE:
                known.epoch, known.rev, known.standing = answer.epoch, answer.rev, new
                return
            if answer.outcome is Outcome.NEWER:
                return
            self._look(city, known)
        raise Unavailable(f"{city}: others publish all the time")

    def _known(self, city: str) -> _City:
        known = self._cities.setdefault(city, _City())
        self._cities.move_to_end(city)
        while len(self._cities) > self._most:
            self._cities.popitem(last=False)
        return known

    def _made(self, city: str, known: _City) -> tuple[Stamp, Published]:
        """What is to be published of the exact counts of now."""
        exact = self._state.view(city, self._precisions[-1], known.exact.rev, known.exact.epoch)
        known.exact.take(exact)
        if known.made is None or exact.cells or not exact.since:
            known.made = published(known.exact.tiles.cells(), self._precisions, self._least)
        return exact.stamp, known.made

    def _look(self, city: str, known: _City) -> None:
        """See what is published. If that changes meanwhile, no epoch is known, and the next publication is in vain."""
        views = {p: self._state.view(city, p, audience=Audience.PUBLIC) for p in self._precisions}
        stands = {(view.stamp.epoch, view.stamp.rev) for view in views.values()}
        known.epoch, known.rev = stands.pop() if len(stands) == 1 else ("", 0)
        cells = {p: {cell: n for cell, n in view.cells.items() if n} for p, view in views.items()}
        known.standing = Published(cells, 0)


def _differences(old: Published, new: Published) -> dict[int, dict[str, int]]:
    if old is new:
        return {}
    return {p: changed for p, cells in new.cells.items() if (changed := _changed(old.cells.get(p, {}), cells))}


def _changed(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    changed = {cell: count - old.get(cell, 0) for cell, count in new.items() if count != old.get(cell, 0)}
    return changed | {cell: -count for cell, count in old.items() if cell not in new}
