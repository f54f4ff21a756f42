"""Drivers, in a process of their own, who can be told to stand still: they go on pinging from where they are.

Requests: {"do": "drive", "rest_url", "token", "city", "drivers", "interval_s", "seed"}
{"do": "halt"}: stand still
{"do": "tally"}: what became of the pings
"""

import asyncio
from typing import Any

from fleetglow.clock import SystemClock
from fleetglow.movement import Town
from fleetglow.outlet import Run
from fleetglow.places import named_city
from fleetglow.sender import Ping, Sender, Tally, http_post
from fleetglow.simulator import Fleet, drive
from soak.lines import answer, requests

LONGEST_S = 24 * 3600.0


class HaltingFleet(Fleet):
    """A simulated fleet that can stand still.

    Attributes:
        is_halted: set it, and from the next request on every driver pings from where they pinged last.
    """

    def __init__(self, town: Town, count: int, interval_s: float, *, seed: int) -> None:
        super().__init__(town, count, interval_s, seed=seed)
        self.is_halted = False
        self._slices = round(interval_s / self.slice_s)
        self._last: dict[int, list[list[Ping]]] = {}

    def requests(self, number: int, sampled_at: int) -> list[list[Ping]]:
        cohort = number % self._slices
        if not self.is_halted or cohort not in self._last:
            self._last[cohort] = super().requests(number, sampled_at)
        for request in self._last[cohort]:
            for ping in request:
                ping.sampled_at = sampled_at
        return self._last[cohort]


class Driving:
    """A fleet on its way."""

    def __init__(self, order: dict[str, Any]) -> None:
        town = Town(named_city(order["city"]))
        self._fleet = HaltingFleet(town, order["drivers"], order["interval_s"], seed=order["seed"])
        self._post = http_post(order["rest_url"], order["token"])
        self._tally = Tally()
        self._run: Run | None = None

    async def drive(self) -> None:
        async with self._post as post:
            sender = Sender(post, SystemClock())
            self._tally = sender.tally
            self._run = Run(sender, lambda _passed_s, _tally: None)
            await drive(self._fleet, LONGEST_S, self._run, SystemClock())
            await sender.finish()

    def halt(self) -> dict[str, int]:
        """Stand still; pings that are sampled from the answered time on are of drivers who do."""
        self._fleet.is_halted = True
        return {"at_ms": SystemClock().wall_ms()}

    def tally(self) -> dict[str, Any]:
        tally = self._tally
        return {
            "at_ms": SystemClock().wall_ms(),
            "sent": tally.sent,
            "accepted": tally.accepted,
            "rejected": tally.rejected,
            "retries": tally.retries,
            "p50_ms": tally.percentile_ms(0.5),
            "p99_ms": tally.percentile_ms(0.99),
            "reasons": dict(tally.reasons.most_common(5)),
        }

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop()


async def main() -> None:
    async with asyncio.TaskGroup() as tasks:
        driving: Driving | None = None
        async for request in requests():
            if request["do"] == "drive":
                driving = Driving(request)
                tasks.create_task(driving.drive())
                answer({})
            elif driving is not None:
                answer(driving.halt() if request["do"] == "halt" else driving.tally())
        if driving is not None:
            driving.stop()


if __name__ == "__main__":
    asyncio.run(main())
