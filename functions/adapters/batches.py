"""What the aggregator got at once, applied city by city."""

from collections.abc import Callable, Iterator
from itertools import batched

import redis

from adapters import valkey
from adapters.city_scripts import CityScripts, key
from adapters.strangers import JUMPS, LATE, Stranger, verdicts
from heatmap.state import Applied

# Driver and register are two arguments each, and a managed cache takes 3,999 in one request.
PINGS_PER_CALL = 1_000

# The place of late pings among the counts that the script answers with.
_LATE = 1


class Batch:
    """Applies pings of any number of cities.

    Args:
        received_at: when the newest of the pings reached us, UTC milliseconds.
        swept_to: when silent drivers were last taken out of any city.
        jump_speed: metres per second above which a driver of a city has jumped; 0 if none ever has.

    Attributes:
        arrivals: drivers who may still be counted in the city they came from, with their registers, by city.
        revs: of the counts that have changed, the revision at which they all have, by city.
    """

    def __init__(
        self,
        client: redis.Redis,
        scripts: CityScripts,
        received_at: int,
        swept_to: bytes,
        jump_speed: Callable[[str], float],
    ) -> None:
        self.arrivals: dict[str, dict[bytes, bytes]] = {}
        self.revs: dict[str, int] = {}
        self._client = client
        self._scripts = scripts
        self._received_at = received_at
        self._swept_to = swept_to
        self._jump_speed = jump_speed
        self._counts = [0, 0, 0, 0]

    def apply(self, cities: dict[str, list[str | bytes]]) -> Applied:
        """Move drivers to where their pings say they are.

        Args:
            cities: for each city driver, register, driver, register, …

        Raises:
            Unavailable: the state did not answer; some of the pings may have been applied, and all may be again.
        """
        strangers = self._run([(city, part, "") for city, flat in cities.items() for part in _parts(flat)])
        if strangers:
            self._apply_strangers(strangers)
        return Applied(*self._counts)

    def call(self, city: str, part: tuple[str | bytes, ...], verdicts: str = "") -> valkey.Call:
        """A call of `apply.lua` with at most `PINGS_PER_CALL` pings."""
        arguments = (self._received_at, self._swept_to, f"{self._jump_speed(city):g}", verdicts)
        return self._scripts.call(city, *arguments, *part, last_key=key(city, JUMPS))

    def _apply_strangers(self, strangers: list[Stranger]) -> None:
        """The pings of drivers new to their city, once it is known where those were."""
        by_city: dict[str, tuple[list[str | bytes], list[str]]] = {}
        for stranger, verdict in zip(strangers, verdicts(self._client, strangers), strict=True):
            if verdict == LATE:
                self._counts[_LATE] += 1
                continue
            flat, known = by_city.setdefault(stranger.city, ([], []))
            flat += [stranger.driver, stranger.register]
            known.append(verdict)
        self._run(
            [
                (city, part, "".join(known[first : first + PINGS_PER_CALL]))
                for city, (flat, known) in by_city.items()
                for first, part in zip(range(0, len(known), PINGS_PER_CALL), _parts(flat), strict=True)
            ]
        )

    def _run(self, parts: list[tuple[str, tuple[str | bytes, ...], str]]) -> list[Stranger]:
        """Apply some pings of some cities, given verdicts on those who are new there; returns what was left alone."""
        calls = [self.call(city, part, known) for city, part, known in parts]
        strangers = []
        for (city, part, _), answer in zip(parts, self._scripts.run("apply", calls), strict=True):
            *counts, drivers, registers, places, rev = answer
            self._counts = [total + count for total, count in zip(self._counts, counts, strict=True)]
            if rev is not None:
                self.revs[city] = rev
            # Each answer names all who are waiting in the city: the last one is the whole list.
            self.arrivals[city] = dict(zip(drivers, registers, strict=True))
            for place in places:
                driver, register = part[2 * place - 2 : 2 * place]
                strangers.append(Stranger(city, driver, register, self._jump_speed(city)))
        return strangers


def _parts(flat: list[str | bytes]) -> Iterator[tuple[str | bytes, ...]]:
    return batched(flat, 2 * PINGS_PER_CALL, strict=False)
