"""The load of a run: a fleet and an audience, what they report, and whether they see what the live state holds."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

import msgspec
import redis

from adapters.live_state import LiveState
from adapters.valkey import text
from fleetglow.deployment import Deployment
from heatmap.viewports import Viewport
from soak.distribution import Distribution
from soak.report import show_different, tell
from soak.screens import PRECISIONS, audience, shares, viewports
from soak.settings import SEED, Scale, Soak
from soak.truth import SETTLED_S, Held, Stillness, eventually, held
from soak.worker import Worker, worker

# Viewers of one process who connect at the same time.
AT_ONCE = 8
CONNECT_S = 30.0
CONNECT_EACH_S = 0.2
# Two silences that a client bears, its longest wait before it reconnects, and as long again.
EQUAL_S = 120.0
LEFT_S = 120.0
TOKEN_S = 24 * 3600


class Load:
    """A fleet that drives, and viewers who watch it.

    Attributes:
        viewports: that are watched, by name.
        state: the live state itself.
    """

    def __init__(
        self, deployment: Deployment, city: str, settings: Scale | Soak, fleet: Worker, audiences: list[Worker]
    ) -> None:
        chance = Random(SEED)
        offered = viewports(city, settings.viewports, chance)
        self.viewports: dict[str, Viewport] = {name: seen for name, (seen, _) in offered.items()}
        self.client = redis.Redis.from_url(deployment.redis_url)
        self.state = LiveState(self.client, tuple(map(int, deployment.outputs["Precisions"].split(","))))
        self._viewers = audience(offered, settings.viewers, chance)
        self._deployment = deployment
        self._city = city
        self._settings = settings
        self._fleet = fleet
        self._audiences = audiences

    @property
    def workers(self) -> dict[int, str]:
        """The load's own processes."""
        workers = {each.pid: f"load: {each.name}" for each in (self._fleet, *self._audiences)}
        return workers | {os.getpid(): "load: test"}

    async def begin(self) -> None:
        """Let drivers drive, and viewers come, until each sees something."""
        settings = self._settings
        drive = {
            "do": "drive",
            "rest_url": self._deployment.rest_url,
            "token": self._deployment.token("pings:write", "fleet", TOKEN_S),
            "city": self._city,
            "drivers": settings.drivers,
            "interval_s": settings.interval_s,
            "seed": SEED,
        }
        await self._fleet.ask(drive)
        await eventually(f"{settings.drivers:,} drivers counted", self._is_fleet_counted, 60)
        tell(f"{settings.drivers:,} drivers are on their way")
        token = self._deployment.token("heatmap:read drivers:read", "audience", TOKEN_S)
        for each, viewers in zip(self._audiences, shares(self._viewers, len(self._audiences)), strict=True):
            watch = {"do": "watch", "viewers": viewers, "at_once": AT_ONCE, "token": token}
            await each.ask(watch | {"websocket_url": self._deployment.websocket_url})
        started = time.monotonic()
        await self._all_watching(started + CONNECT_S + CONNECT_EACH_S * settings.viewers)
        seconds = time.monotonic() - started
        rate = settings.viewers / seconds
        tell(f"{settings.viewers:,} viewers of {len(self.viewports)} viewports came in {seconds:.0f} s ({rate:.0f}/s)")

    async def tally(self) -> dict[str, Any]:
        """What the fleet has sent so far."""
        tally: dict[str, Any] = await self._fleet.ask({"do": "tally"})
        return tally

    async def counters(self) -> Counter[str]:
        """What viewers have received and how they fared so far, in all."""
        sums: Counter[str] = Counter()
        for counters in await self._ask_all({"do": "counters"}):
            sums.update(counters)
        return sums

    async def timing(
        self, since_ms: float, samples: Mapping[str, list[tuple[float, int]]]
    ) -> tuple[Distribution, Distribution, tuple[int, str]]:
        """Delays of messages, how far behind viewers were, and who was furthest (ms, viewport)."""
        delays, behind = Distribution(), Distribution()
        answers = await self._ask_all({"do": "timing", "since_ms": since_ms, "samples": samples})
        for answer in answers:
            delays.update([_distribution(answer["delays"])])
            behind.update([_distribution(answer["behind"])])
        return delays, behind, max(tuple(answer["worst"]) for answer in answers)

    async def stand_still(self) -> Held:
        """Halt the fleet, and once all of it is counted, tell what the viewports hold.

        Raises:
            TimeoutError: it is never all counted.
        """
        halted = await self._fleet.ask({"do": "halt"})
        settings = self._settings
        stillness = Stillness(self.state, self._city, settings.drivers, halted["at_ms"], settings.interval_s)
        try:
            found = await eventually("stillness", stillness, SETTLED_S)
        except TimeoutError as error:
            raise TimeoutError(f"not within {SETTLED_S:g} s: {stillness}") from error
        tell(f"the fleet stands still at revision {found.stamp.rev:,} of {found.stamp.epoch}")
        return await asyncio.to_thread(held, self.state, self.viewports.values())

    async def different(self, truth: Held) -> int:
        """How many viewers do not have what the server has, once they have had time to make up for everything."""
        request = {"do": "compare"} | msgspec.structs.asdict(truth)
        started = time.monotonic()
        while True:
            answers = await self._ask_all(request)
            equal: int = sum(answer["equal"] for answer in answers)
            passed_s = time.monotonic() - started
            if equal == self._settings.viewers or passed_s > EQUAL_S:
                tell(f"{equal:,} of {self._settings.viewers:,} viewers equal the server after {passed_s:.0f} s")
                show_different(each for answer in answers for each in answer["different"])
                return self._settings.viewers - equal
            await asyncio.sleep(1)

    async def misplaced(self) -> dict[str, int]:
        """By how many the live state has too many viewers of a viewport, or too few, once it has had time to notice."""
        there = Counter(viewer.subscription for viewer in self._viewers)
        try:
            await eventually("all viewers in their places", lambda: self._watched() == there, LEFT_S)
        except TimeoutError:
            watched = self._watched()
            differences = {name: watched[name] - there[name] for name in watched.keys() | there}
            return {name: difference for name, difference in differences.items() if difference}
        return {}

    def _watched(self) -> Counter[str]:
        """How many connections the live state has for each viewport of the city."""
        found: Counter[str] = Counter()
        for precision in PRECISIONS:
            for extent in map(text, self.client.hkeys(f"{{{self._city}}}:v:{precision}")):
                name = f"{self._city}/{precision}/{extent}"
                found[name] = self.client.hlen(f"{{{self._city}}}:c:{precision}:{extent}")
        return found

    async def leave(self) -> None:
        """Let all viewers go, until the live state has forgotten them.

        Raises:
            TimeoutError: it has not.
        """
        await asyncio.gather(*(each.end() for each in self._audiences))
        try:
            await eventually("nobody watched for", lambda: not self._watched(), LEFT_S)
        except TimeoutError as error:
            left = self._watched()
            raise TimeoutError(f"{left.total():,} connections are still in the live state: {left}") from error

    def _is_fleet_counted(self) -> bool:
        counted = self.state.check([self._city])[self._city]
        return counted.stamp.live == self._settings.drivers

    async def _all_watching(self, deadline: float) -> None:
        while True:
            answers = await self._ask_all({"do": "progress"})
            watching = sum(answer["watching"] for answer in answers)
            if watching == self._settings.viewers:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {watching:,} of {self._settings.viewers:,} viewers see something")
            await asyncio.sleep(0.5)

    async def _ask_all(self, request: object) -> list[Any]:
        return await asyncio.gather(*(each.ask(request) for each in self._audiences))


def _distribution(counts: Mapping[str, int]) -> Distribution:
    return Distribution({int(steps): number for steps, number in counts.items()})


@asynccontextmanager
async def load(deployment: Deployment, city: str, settings: Scale | Soak) -> AsyncIterator[Load]:
    """A fleet and an audience that have not begun yet; they end with the context."""
    async with AsyncExitStack() as running:
        audiences = [await running.enter_async_context(worker("audience")) for _ in range(settings.audiences)]
        fleet = await running.enter_async_context(worker("fleet"))
        yield Load(deployment, city, settings, fleet, audiences)
