"""Drivers who cross from one city into another: counted in one of them, never in both.

Each city keeps its drivers by itself, and a script reaches only the keys of one city. So a city notes who has arrived,
one hash tells which city each driver was last at home in, and the older of the two registers is taken out. The note
stays until that is done: an aggregator that dies on the way leaves the rest to the next batch. A city
likewise notes who has gone silent until the hash has forgotten them: a broadcaster may die as well.

Several aggregators may do so for one driver at once. A home is therefore written only if it is still the one that was
read, and whoever writes it looks once more into the city that was home before: a driver that came back there before the
home was written found itself at home, and left it at that.
"""

from itertools import batched

import redis

from adapters import valkey
from adapters.city_scripts import CityScripts

HOMES_KEY = "homes"
DRIVERS_PER_CALL = 1_000

# Drivers with their registers in one city.
_Registers = dict[bytes, bytes]


class Crossings:
    """Settles arrivals."""

    def __init__(self, client: redis.Redis, scripts: CityScripts) -> None:
        self._client = client
        self._scripts = scripts

    def settle(self, city: str, arrivals: dict[bytes, bytes]) -> None:
        """Take drivers who arrived in a city out of the city that they came from, or out of this one if that is newer.

        Args:
            arrivals: each driver's register in the city.

        Raises:
            Unavailable: the live state did not answer; what is left is settled with the next batch.
        """
        for part in batched(arrivals.items(), DRIVERS_PER_CALL, strict=False):
            # Drivers who may be at home in a city, and the city that they have just been taken out of for it.
            claims: list[tuple[str, str, _Registers]] = [(city, "", dict(part))]
            while claims:
                claims += self._settle(*claims.pop())

    def forget(self, silent: dict[str, list[bytes]]) -> None:
        """Drivers who have gone silent are at home nowhere.

        Raises:
            Unavailable: the live state did not answer; what is left is told by the next tick.
        """
        parts = [
            (city, part)
            for city, drivers in silent.items()
            for part in batched(drivers, DRIVERS_PER_CALL, strict=False)
        ]
        if parts:
            valkey.run(
                self._client,
                valkey.script("leave_home"),
                [([HOMES_KEY], [city, *part]) for city, part in parts],
            )
            self._scripts.run("forgotten", [self._scripts.call(city, *part) for city, part in parts])

    def _settle(self, city: str, left: str, drivers: _Registers) -> list[tuple[str, str, _Registers]]:
        """One round for drivers in a city; returns the claims that are still to be settled."""
        claims: list[tuple[str, str, _Registers]] = []
        for home, part in self._claim(city, left, drivers).items():
            if not home:
                back = self._depart(left, part) if left else {}
                claims.append((left, "", back))
                self._note_settled(city, [driver for driver in part if driver not in back])
            else:
                newer = self._depart(home, part)
                claims.append((city, home, {driver: part[driver] for driver in part if driver not in newer}))
                # A driver may have been seen here meanwhile, even later.
                claims.append((city, "", self._depart(city, newer)))
        return [claim for claim in claims if claim[2]]

    def _claim(self, city: str, left: str, drivers: _Registers) -> dict[str, _Registers]:
        """Make a city the home of drivers; returns them by the other city that they are at home in, or ''."""
        arguments = [item for driver in drivers for item in (driver, left)]
        [homes] = valkey.run(self._client, valkey.script("home"), [([HOMES_KEY], [city, *arguments])])
        by_home: dict[str, _Registers] = {}
        for (driver, register), home in zip(drivers.items(), homes, strict=True):
            by_home.setdefault(home.decode(), {})[driver] = register
        return by_home

    def _depart(self, city: str, drivers: _Registers) -> _Registers:
        """Take drivers out of a city, given their registers elsewhere; returns those who stay, for they are newer."""
        if not drivers:
            return {}
        arguments = [item for pair in drivers.items() for item in pair]
        [newer] = self._scripts.run("depart", [self._scripts.call(city, *arguments)])
        return {driver: register for driver, register in zip(drivers, newer, strict=True) if register}

    def _note_settled(self, city: str, drivers: list[bytes]) -> None:
        if drivers:
            self._scripts.run("settled", [self._scripts.call(city, *drivers)])
