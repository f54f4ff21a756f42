"""Drivers who cross from one city into another: counted in one of them, never in both.

Each city keeps its drivers by itself, and a script reaches only the keys of one city. So a city notes who has arrived,
one hash tells which city each driver was last at home in, and the older of the two registers is taken out. The note
stays until that is done: an aggregator that dies on the way leaves the rest to the next batch. A city
likewise notes who has gone silent until the hash has forgotten them: a broadcaster may die as well.
"""

from itertools import batched

import redis

from adapters import valkey
from adapters.city_scripts import CityScripts

HOMES_KEY = "homes"
DRIVERS_PER_CALL = 1_000


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
        for part in batched(arrivals, DRIVERS_PER_CALL, strict=False):
            came_from: dict[bytes, list[bytes]] = {}
            [homes] = valkey.run(self._client, valkey.script("home"), [([HOMES_KEY], [city, *part])])
            for driver, home in zip(part, homes, strict=True):
                if home:
                    came_from.setdefault(home, []).append(driver)
            for home, drivers in came_from.items():
                self._leave(home.decode(), city, {driver: arrivals[driver] for driver in drivers})
            with valkey.answering("the live state"):
                self._client.srem(f"{{{city}}}:arrivals", *part)

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

    def _leave(self, home: str, city: str, drivers: dict[bytes, bytes]) -> None:
        [newer] = self._depart(home, drivers)
        stayed = {driver: register for driver, register in zip(drivers, newer, strict=True) if register}
        if stayed:
            self._depart(city, stayed)
        if moved := [driver for driver in drivers if driver not in stayed]:
            with valkey.answering("the live state"):
                self._client.hset(HOMES_KEY, items=[item for driver in moved for item in (driver, city)])

    def _depart(self, city: str, drivers: dict[bytes, bytes]) -> list[list[bytes]]:
        arguments = [item for pair in drivers.items() for item in pair]
        return self._scripts.run("depart", [self._scripts.call(city, *arguments)])
