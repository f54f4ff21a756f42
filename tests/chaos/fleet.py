"""Drivers whose pings are numbered, in a process of their own; their clocks are wrong.

Requests: {"do": "drive", "rest_url", "token", "city", "drivers", "interval_s", "seed"}
{"do": "skew", "skew_s", "late_drivers"}: before they drive
{"do": "halt"}: stand still
{"do": "hold"}: send nothing, once what is under way has been answered; {"do": "go_on"}
{"do": "tally"}: what became of the pings
{"do": "accepted"}: the numbers of those that were accepted since the last time
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import msgspec

from fleetglow.clock import SystemClock
from fleetglow.movement import Town
from fleetglow.outlet import Run
from fleetglow.places import named_city
from fleetglow.sender import Answer, Ping, Sender, Tally, http_post
from fleetglow.simulator import drive
from soak.fleet import LONGEST_S, HaltingFleet
from soak.lines import answer, requests

ACCEPTED = 202
# Longer than a driver may be silent.
LATE_MS = 45_000


class Numbered(Ping, omit_defaults=True, gc=False):
    """A ping with a number of its own, which it carries to the end."""

    order_id: str = ""


class WrongClocks(HaltingFleet):
    """A fleet each of whose drivers has a clock that is a bit fast or slow; some have one that is much too slow."""

    def __init__(self, town: Town, count: int, interval_s: float, *, seed: int, skew_s: float, late: int) -> None:
        super().__init__(town, count, interval_s, seed=seed)
        self._chance = Random(seed)
        self._skew_ms = round(1000 * skew_s)
        self._skews: dict[str, int] = {}
        self._late = late
        self._number = 0

    def requests(self, number: int, sampled_at: int) -> list[list[Ping]]:
        return [self._numbered(request) for request in super().requests(number, sampled_at)]

    def _numbered(self, request: list[Ping]) -> list[Ping]:
        pings: list[Ping] = []
        for ping in request:
            skew = self._skews.setdefault(ping.driver_id, self._chance.randint(-self._skew_ms, self._skew_ms))
            pings.append(self._number_of(ping, ping.driver_id, skew))
        for ping in request[:1]:
            late = f"late-{self._number % self._late}"
            pings.append(self._number_of(ping, late, -LATE_MS))
        return pings

    def _number_of(self, ping: Ping, driver_id: str, skew_ms: int) -> Numbered:
        self._number += 1
        at = ping.sampled_at + skew_ms
        return Numbered(driver_id, at, ping.lat, ping.lon, ping.speed, ping.heading, order_id=str(self._number))


class _Sent(msgspec.Struct):
    """Of a request, which pings it has."""

    class Each(msgspec.Struct):
        order_id: str

    pings: list[Each]


class _Answered(msgspec.Struct):
    """Of an answer, which pings were refused."""

    class Each(msgspec.Struct):
        index: int

    rejected: list[Each] = []


class Noting:
    """Posts requests, and notes the numbers of the pings that were accepted.

    Attributes:
        accepted: since somebody has looked.
    """

    def __init__(self, post: Callable[[bytes], Awaitable[Answer]]) -> None:
        self.accepted: list[str] = []
        self._post = post
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Condition()
        self._under_way = 0

    async def __call__(self, body: bytes) -> Answer:
        await self._open.wait()
        self._under_way += 1
        try:
            answered = await self._post(body)
        finally:
            async with self._idle:
                self._under_way -= 1
                self._idle.notify_all()
        if answered.status == ACCEPTED:
            pings = msgspec.json.decode(body, type=_Sent).pings
            rejected = {each.index for each in msgspec.json.decode(answered.body, type=_Answered).rejected}
            self.accepted += [each.order_id for index, each in enumerate(pings) if index not in rejected]
        return answered

    async def hold(self) -> None:
        self._open.clear()
        async with self._idle:
            await self._idle.wait_for(lambda: not self._under_way)

    def go_on(self) -> None:
        self._open.set()


class Driving:
    """A fleet on its way."""

    def __init__(self, order: dict[str, Any], skew: dict[str, Any]) -> None:
        town = Town(named_city(order["city"]))
        self._fleet = WrongClocks(
            town,
            order["drivers"],
            order["interval_s"],
            seed=order["seed"],
            skew_s=skew["skew_s"],
            late=skew["late_drivers"],
        )
        self._order = order
        self._tally = Tally()
        self._run: Run | None = None
        self.noting: Noting | None = None

    async def drive(self) -> None:
        async with http_post(self._order["rest_url"], self._order["token"]) as post:
            self.noting = Noting(post)
            sender = Sender(self.noting, SystemClock())
            self._tally = sender.tally
            self._run = Run(sender, lambda _passed_s, _tally: None)
            await drive(self._fleet, LONGEST_S, self._run, SystemClock())
            await sender.finish(lambda: True)

    async def do(self, what: str) -> dict[str, Any]:
        """Carry out a request."""
        assert self.noting is not None
        match what:
            case "halt":
                self._fleet.is_halted = True
            case "hold":
                await self.noting.hold()
            case "go_on":
                self.noting.go_on()
            case "accepted":
                accepted, self.noting.accepted = self.noting.accepted, []
                return {"accepted": accepted}
            case "tally":
                return self._figures()
        return {"at_ms": SystemClock().wall_ms()}

    def _figures(self) -> dict[str, Any]:
        tally = self._tally
        return {
            "at_ms": SystemClock().wall_ms(),
            "sent": tally.sent,
            "accepted": tally.accepted,
            "rejected": tally.rejected,
            "retries": tally.retries,
            "reasons": dict(tally.reasons.most_common(5)),
        }

    def stop(self) -> None:
        if self._run is not None:
            self._run.stop()
        if self.noting is not None:
            self.noting.go_on()


async def main() -> None:
    skew: dict[str, Any] = {}
    async with asyncio.TaskGroup() as tasks:
        driving: Driving | None = None
        async for request in requests():
            if request["do"] == "skew":
                skew = request
                answer({})
            elif request["do"] == "drive":
                driving = Driving(request, skew)
                tasks.create_task(driving.drive())
                answer({})
            elif driving is not None:
                answer(await driving.do(request["do"]))
        if driving is not None:
            driving.stop()


if __name__ == "__main__":
    asyncio.run(main())
