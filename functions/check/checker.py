"""Whether every live driver is counted exactly once; where one is not, the counts are made anew."""

from dataclasses import dataclass

from adapters.live_state import LiveState
from adapters.observability import Metric, count, gauge, logger
from heatmap.state import Conservation


@dataclass
class Checker:
    """Compares and repairs, city by city; pings go on being applied meanwhile."""

    state: LiveState

    def run(self) -> dict[str, int]:
        """Check every city.

        Returns:
            by how many drivers the furthest sum of each city was off before it was repaired; nothing of those that are
            exact, as they should all be.

        Raises:
            Unavailable: the live state did not answer; what was not repaired will be after the next look.
        """
        cities = self.state.cities()
        # Where nobody pings or watches nothing else does, and readers would tally the drivers for ever.
        self.state.follow(cities)
        differences = {city: each.difference for city, each in self._compared(cities).items() if not each.exact}
        # Zero, too: who hears nothing must not take that for good news.
        gauge(Metric.CONSERVATION_DIFFERENCE, max(differences.values(), default=0))
        for city in differences:
            self.state.recount(city)
            count(Metric.CITIES_RECOUNTED)
        if differences:
            logger.info("recounted", cities=sorted(differences))
            self._compared(differences)
        return differences

    def _compared(self, cities: list[str] | dict[str, int]) -> dict[str, Conservation]:
        found = self.state.check(list(cities))
        for city, each in found.items():
            if not each.exact:
                logger.error("counts differ", city=city, live=each.stamp.live, seen=each.seen, sums=each.sums)
        return found
