"""What is broken on purpose, one after the other: processes, the network, the cache's memory, the stream's place."""

import asyncio
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import redis

from chaos.proxy import Proxy
from chaos.stack import AWAY, Functions, Stream
from e2e.support import descendants, kill
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from fleetglow.local_stack import find
from soak.outages import VALKEY, Outages
from soak.report import tell
from soak.truth import eventually
from soak.worker import Worker

KINESIS, GATEWAY = "kinesis-local", "localstack_dockerless.websocket"
SOCKETS_KILLED = "sockets killed"
FUNCTIONS = ("ingest", "aggregate", "broadcast", "deliver", "connections", "query", "authorize", "check")
# Those which nobody may have called lately.
IDLE = ("query", "authorize", "check")

BRIEFLY_S = 6.0
# Longer than records may wait in this run.
LONG_S = 80.0
SHORT_AGE_S, USUAL_AGE_S = 60, 21_600
STORM = 0.6
COUNTED_S = 90.0
# Two ticks: if there is none by then, nobody makes any until the schedule does.
BY_THEMSELVES_S = 6.0


class Faults:
    """Breaks things; after each the ticks go on.

    Attributes:
        counters: how often each kind was caused.
        writing: whoever else writes to the stream holds it meanwhile.
    """

    def __init__(
        self,
        deployment: Deployment,
        instance: Instance,
        city: str,
        *,
        chance: Random,
        cache: Proxy,
        rest: Proxy,
        stream: Stream,
        functions: Functions,
        fleet: Worker,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.writing = asyncio.Lock()
        self._deployment = deployment
        self._instance = instance
        self._cache = cache
        self._rest = rest
        self._stream = stream
        self._functions = functions
        self._fleet = fleet
        self._outages = Outages(deployment, partial(kill, instance), city, chance, is_schedule_awaited=False)
        self._client = redis.Redis.from_url(deployment.redis_url)
        self._meta = f"{{{city}}}:meta"

    @property
    def all(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Every fault by its name."""
        return {
            **{f"{name} killed": partial(self._kill_function, name) for name in FUNCTIONS},
            "valkey killed": partial(self._kill, VALKEY),
            SOCKETS_KILLED: partial(self._kill, GATEWAY),
            "stream killed": self._kill_stream,
            "stream frozen": self._freeze_stream,
            "stream delivered again": self._rewind,
            "cache cut off": partial(self._cut, self._cache),
            "cache failing": self._storm,
            "cache full": self._fill_cache,
            "senders cut off": partial(self._cut, self._rest),
        }

    async def cause(self, name: str) -> None:
        """Cause one, and wait until ticks are made again."""
        started = time.monotonic()
        await self.all[name]()
        await self.ticking()
        self.counters[name] += 1
        tell(f"{name}: ticks go on {time.monotonic() - started:.1f} s after it began")

    async def give_up(self) -> None:
        """Cut off the cache for so long that the stream gives batches up."""
        self._cache.cut()
        tell(f"the cache is cut off for {LONG_S:g} s, longer than records may wait")
        await asyncio.sleep(LONG_S)
        self._cache.mend()
        await self.ticking()
        last = dict(self._stream.last)
        await eventually("the backlog counted", lambda: self._stream.is_counted_to(last, self._client), COUNTED_S)
        self.counters["stream made to give up"] += 1
        await asyncio.to_thread(self._functions.rewind, USUAL_AGE_S)

    async def _kill_function(self, name: str) -> None:
        if name in IDLE:
            await asyncio.to_thread(self._call, name)
        await self._kill(f"{name}.app.lambda_handler")

    def _call(self, name: str) -> None:
        if name == "check":
            self._functions.invoke("check", {})
            return
        path = "/health" if name == "query" else "/cities"
        headers = {"Authorization": f"Bearer {self._deployment.token('heatmap:read', f'{time.monotonic_ns()}', 60)}"}
        request = urllib.request.Request(self._deployment.rest_url + path, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - our own stack
            pass

    async def _kill(self, part: str) -> None:
        await self._outages.cause(part)

    async def _kill_stream(self) -> None:
        """Kill kinesis-mock, which keeps its records in memory only.

        What AWS's stream does not lose must not be in it: the fleet waits until all has been counted.
        """
        async with self.writing:
            await self._fleet.ask({"do": "hold"})
            await eventually("all records counted", self._is_all_counted, COUNTED_S)
            killed = kill(self._instance, KINESIS)
            assert killed, "no process to kill: kinesis-mock"
            await eventually("the stream made again", self._is_stream_made_again, COUNTED_S)
            await asyncio.to_thread(self._functions.rewind, USUAL_AGE_S)
            await self._fleet.ask({"do": "go_on"})

    def _is_stream_made_again(self) -> bool:
        try:
            self._stream.make_again()
        except AWAY:
            return False
        return True

    async def _freeze_stream(self) -> None:
        process = find(self._instance)
        assert process is not None
        pids = [pid for pid, command in descendants(process.pid).items() if KINESIS in command]
        assert pids, "no process to freeze: kinesis-mock"
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(BRIEFLY_S)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def _is_all_counted(self) -> bool:
        return self._stream.is_counted(self._client)

    async def _rewind(self) -> None:
        await asyncio.to_thread(self._functions.rewind, USUAL_AGE_S)

    @staticmethod
    async def _cut(proxy: Proxy) -> None:
        proxy.cut()
        try:
            await asyncio.sleep(BRIEFLY_S)
        finally:
            proxy.mend()

    async def _storm(self) -> None:
        usual, self._cache.failing = self._cache.failing, STORM
        try:
            await asyncio.sleep(BRIEFLY_S)
        finally:
            self._cache.failing = usual

    async def _fill_cache(self) -> None:
        self._client.config_set("maxmemory", "1mb")
        try:
            await asyncio.sleep(BRIEFLY_S)
        finally:
            self._client.config_set("maxmemory", "0")

    async def ticking(self) -> None:
        """Waits until the next tick has been made."""
        before = self._tick()
        try:
            await eventually("a tick", lambda: self._tick() not in {None, before}, BY_THEMSELVES_S)
        except TimeoutError:
            # What the schedule does once a minute.
            await asyncio.to_thread(self._functions.invoke, "broadcast", {}, is_awaited=False)
            await eventually("a tick", lambda: self._tick() not in {None, before}, 90)

    def _tick(self) -> bytes | None:
        try:
            tick: bytes | None = self._client.hget(self._meta, "ticked_to")  # type: ignore[assignment]
        except redis.RedisError:
            return None
        return tick
