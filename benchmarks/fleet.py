"""The simulator's drivers of Lagos, as the bodies of the requests that they send: the same on every run."""

from collections.abc import Iterator

import msgspec

from fleetglow.movement import Town
from fleetglow.simulator import Fleet
from heatmap.cities import cities
from heatmap.pings import MAX_PINGS

CITY = "lagos"
DRIVERS = 10_000
PINGS_PER_REQUEST = MAX_PINGS
INTERVAL_S = 5
INTERVAL_MS = 1_000 * INTERVAL_S


class Requests:
    """What drivers who ping every `INTERVAL_S` seconds send, slice by slice of that interval.

    Attributes:
        slice_ms: how long a slice is.
    """

    def __init__(self, drivers: int) -> None:
        self._fleet = Fleet(Town(cities().get(CITY)), drivers, INTERVAL_S, seed=1)
        self._slices = 0
        self.slice_ms = round(self._fleet.slice_s * 1000)

    def take(self, sampled_at: int) -> list[bytes]:
        """The bodies of the next slice's requests, up to 500 pings in each; drivers move on by it."""
        requests = self._fleet.requests(self._slices, sampled_at)
        self._slices += 1
        return [msgspec.json.encode({"pings": pings}) for pings in requests]


def rounds(number: int, started_at: int) -> Iterator[tuple[int, list[bytes]]]:
    """For each round, in which every driver pings once: when it ends, and its requests' bodies."""
    requests = Requests(DRIVERS)
    for index in range(number):
        begin, end = started_at + index * INTERVAL_MS, started_at + (index + 1) * INTERVAL_MS
        slices = range(begin, end, requests.slice_ms)
        yield end, [body for sampled_at in slices for body in requests.take(sampled_at)]
