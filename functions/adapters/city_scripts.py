"""The scripts of a city: each call is atomic within the city, whose keys share the hash tag `{city}`.

What is published of a city is a second set of the very same keys, which the same scripts serve.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import redis

from adapters import valkey
from heatmap.viewports import Audience

_PREFIXES = {Audience.EXACT: "", Audience.PUBLIC: "public:"}


def key(city: str, name: str, audience: Audience = Audience.EXACT) -> str:
    """A key of a city, of the set that is for an audience."""
    return f"{{{city}}}:{_PREFIXES[audience]}{name}"


class CityScripts:
    """Calls the scripts in `lua/` that begin with `city.lua`.

    Attributes:
        precisions: that are counted, ascending.
    """

    def __init__(self, client: redis.Redis, precisions: tuple[int, ...]) -> None:
        self._client = client
        self.precisions = precisions
        self._precisions_argument = ",".join(str(p) for p in precisions)

    def call(
        self,
        city: str,
        *arguments: valkey.Argument,
        epoch: str = "",
        last_key: str = "",
        audience: Audience = Audience.EXACT,
    ) -> valkey.Call:
        """One call in a city.

        Args:
            arguments: what the script takes beyond the precisions and the epoch.
            epoch: the epoch that is meant; by default a new one, for a state that is born now.
            last_key: a key of the city beyond those that every script has.
            audience: whose set of keys it is about.
        """
        names = ["meta", "drivers", "seen", "arrivals", "silent"]
        for p in self.precisions:
            names += [f"n:{p}", f"r:{p}", f"v:{p}"]
        keys = [key(city, name, audience) for name in names]
        if last_key:
            keys.append(last_key)
        return keys, [self._precisions_argument, epoch or secrets.token_hex(4), *arguments]

    def run(self, name: str, calls: Sequence[valkey.Call]) -> list[Any]:
        """Make calls of one script, all in one round trip.

        Raises:
            Unavailable: the live state did not answer; any of the calls may have been carried out.
        """
        return valkey.run(self._client, valkey.script("city", name), calls) if calls else []
