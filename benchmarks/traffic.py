"""Drivers whose pings go into a live state as the functions put them there."""

from itertools import chain

from adapters.live_state import LiveState
from benchmarks.fleet import INTERVAL_MS, Requests
from heatmap.cities import cities
from heatmap.pings import parse
from heatmap.records import decode, encode
from heatmap.register import merged

TICK_MS = 3_000
STARTED_AT = 1_700_000_000_000


class Traffic:
    """Drivers on their way.

    Attributes:
        now: UTC milliseconds of a clock that only `drive` moves.
        pings: how many were applied by the last `drive`.
    """

    def __init__(self, state: LiveState, drivers: int) -> None:
        self.now = STARTED_AT
        self.pings = 0
        self._state = state
        self._requests = Requests(drivers)
        # In the first interval everybody enters the city; what is measured is a fleet on its way.
        self.drive(2 * INTERVAL_MS)

    def drive(self, milliseconds: int = TICK_MS) -> None:
        """Let time pass, and apply what the drivers sent in it."""
        self.pings = 0
        until = self.now + milliseconds
        while self.now + self._requests.slice_ms <= until:
            self.now += self._requests.slice_ms
            bodies = self._requests.take(sampled_at=self.now)
            pings = chain.from_iterable(parse(body, self.now, cities()).pings for body in bodies)
            records = [decode(data) for data in encode(list(pings))]
            self.pings += self._state.apply(merged(records), self.now).applied
        self.now = until
