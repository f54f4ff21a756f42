"""What readers are told of the live state: exactly, or as it is published, by who they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from adapters.live_state import LiveState
from heatmap.access import HEATMAP_READ, Principal
from heatmap.cities import cities, listed
from heatmap.privacy import audience_of, least_told, precisions_for, require_precision
from heatmap.state import Conservation
from heatmap.viewports import Audience, viewport
from query import answers, parameters
from query.readings import Reading, read

# What is published of a city is derived from all of its counts: one answer serves for a tick of the default length.
PUBLISHED_CACHE_MS = 3_000

type Query = Mapping[str, str]


@dataclass
class Reads:
    """Answers questions about the live state.

    Attributes:
        least: drivers that a count must have to be published.
        clock: UTC milliseconds.
    """

    state: LiveState
    least: int
    clock: Callable[[], int]

    def __post_init__(self) -> None:
        self._published_in = lru_cache(maxsize=16)(self._read)
        self._published_stats_in = lru_cache(maxsize=1_024)(self._count)

    def heatmap(self, reader: Principal, query: Query) -> dict[str, Any]:
        """The cells of a viewport.

        Raises:
            InvalidInput: a parameter is missing or malformed, or there is no such place or precision.
            NotAllowed: the reader may not see it.
            Unavailable: the live state did not answer.
        """
        reader.require(HEATMAP_READ)
        audience, counted = audience_of(reader), self.state.precisions
        precision, bbox = parameters.precision(query, counted), parameters.bbox(query)
        if precision in counted:
            # Before it is known whether the box fits: one that does at a precision out of reach is no help.
            require_precision(reader, precision)
        wanted = viewport(query.get("city"), precision, bbox, cities(), precisions_for(audience, counted))
        reader.require_city(wanted.city)
        least = least_told(audience, self.least)
        if audience is Audience.EXACT:
            return answers.heatmap(wanted, self.state.view(wanted.city, precision), self.clock(), least)
        reading = self._published_in(wanted.city, self._period())
        return answers.heatmap(wanted, reading.view(precision), reading.at, least)

    def stats(self, reader: Principal, query: Query) -> dict[str, Any]:
        """Live drivers and cells in use, of a city or of all that the reader may see; raises what `heatmap` does."""
        reader.require(HEATMAP_READ)
        wanted = query.get("city")
        if wanted is None:
            names = [name for name in self.state.cities() if name in reader.cities]
        else:
            names = [cities().get(wanted).name]
            reader.require_city(names[0])
        if audience_of(reader) is Audience.EXACT:
            return answers.stats(self.state.check(names), self.clock())
        found = {name: self._published_stats_in(name, self._period()) for name in names}
        # That there is somebody in a place is told only of a place that is asked for.
        shown = {name: each for name, each in found.items() if each.stamp.live or name == wanted}
        return answers.stats(shown, self.clock())

    def cities(self, reader: Principal) -> dict[str, Any]:
        """The named cities that the reader's token is good for; raises NotAllowed without the scope."""
        reader.require(HEATMAP_READ)
        return {"cities": [city for city in listed(cities()) if city["name"] in reader.cities]}

    def _period(self) -> int:
        return self.clock() // PUBLISHED_CACHE_MS

    def _read(self, city: str, _period: int) -> Reading:
        """What is published of a city, found out once in a period."""
        return read(self.state, city, self.least, self.clock())

    def _count(self, city: str, period: int) -> Conservation:
        """How much that is."""
        return self._published_in(city, period).stats()
