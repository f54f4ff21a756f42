"""A fleet that sends: each driver once an interval, all of them spread evenly over it."""

from itertools import batched
from random import Random

from fleetglow.clock import Clock
from fleetglow.movement import Driver, Town
from fleetglow.outlet import Run
from fleetglow.sender import Ping
from heatmap.pings import MAX_PINGS

# A request carries what falls due in about this time: long enough to fill it, short enough to be fresh.
SHORTEST_SLICE_S = 0.25
LONGEST_SLICE_S = 0.5


class Fleet:
    """`count` drivers in a town; positions follow from the seed alone, whatever the clock does."""

    def __init__(self, town: Town, count: int, interval_s: float, *, seed: int, batch: int = MAX_PINGS) -> None:
        chance = Random(f"{seed} {count}")  # noqa: S311 - traffic
        self._interval_s = interval_s
        self._batch = batch
        drivers = [(f"sim-{town.name}-{seed}-{number:05d}", Driver(town, chance)) for number in range(1, count + 1)]
        slices = min(count, max(1, round(interval_s / _slice_s(count / interval_s, batch))))
        # Every slice of the interval has its own drivers, the same ones each time.
        self._cohorts = [drivers[count * i // slices : count * (i + 1) // slices] for i in range(slices)]
        self.slice_s = interval_s / slices

    def requests(self, number: int, sampled_at: int) -> list[list[Ping]]:
        """The pings of the slice of that number, from 0, in as many requests as they need; drivers move on by it."""
        round_number, cohort = divmod(number, len(self._cohorts))
        passed_s = self._interval_s if round_number else 0.0
        pings = []
        for driver_id, driver in self._cohorts[cohort]:
            at = driver.move(passed_s)
            pings.append(Ping(driver_id, sampled_at, at.lat, at.lon, at.speed, at.heading))
        return [list(request) for request in batched(pings, self._batch, strict=False)]


async def drive(fleet: Fleet, duration_s: float, run: Run, clock: Clock) -> None:
    """Send what falls due for `duration_s` seconds, or until the run is stopped.

    Where the server cannot keep up, `submit` waits and the slices come late; nothing is sent after the end.
    """
    started = clock.monotonic()
    number = 0
    while number * fleet.slice_s < duration_s:
        await run.sleep_until(started + number * fleet.slice_s, clock)
        passed_s = clock.monotonic() - started
        if run.is_stopped or passed_s >= duration_s + fleet.slice_s:
            return
        for pings in fleet.requests(number, clock.wall_ms()):
            await run.submit(pings)
        run.tell(passed_s)
        number += 1


def _slice_s(pings_per_s: float, batch: int) -> float:
    """Seconds after which a request is full, within what is fresh and sensible."""
    return min(LONGEST_SLICE_S, max(SHORTEST_SLICE_S, batch / pings_per_s))
