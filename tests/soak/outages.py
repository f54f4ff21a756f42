"""What is broken on purpose: messages get lost, connections are cut, processes are killed in mid-tick."""

import asyncio
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

import boto3
import redis

from fleetglow import aws
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from soak.report import tell
from soak.truth import eventually

TICK_S = 3.0
# A tick's frames are encoded, queued and posted in about this time.
BUSY_S = (0.0, 0.4)
# The schedule starts a broadcaster once a minute.
NEXT_TICK_S = 90.0
DELIVER, BROADCAST, VALKEY = "deliver.app.lambda_handler", "broadcast.app.lambda_handler", "valkey-server"


class GatewayFaults:
    """The local gateway's faults on demand."""

    def __init__(self, instance: Instance) -> None:
        self._url = f"http://127.0.0.1:{instance.websocket_port}/_faults"

    def begin(self, **settings: float) -> None:
        self._call("PUT", settings)

    def end(self) -> Mapping[str, int]:
        """No more faults; returns how many there were of each kind."""
        counters: dict[str, int] = self._call("GET")["counters"]
        self._call("DELETE")
        return counters

    def _call(self, method: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own gateway
            return json.loads(answer.read() or b"null")


class Outages:
    """Kills the stack's processes, one kind after the other.

    Args:
        is_schedule_awaited: whether to wait until the schedule starts a broadcaster that was killed, or to start one.

    Attributes:
        killed: how often each kind was.
    """

    def __init__(
        self,
        deployment: Deployment,
        kill: Callable[[str], int],
        city: str,
        chance: Random,
        *,
        is_schedule_awaited: bool,
    ) -> None:
        self.killed: Counter[str] = Counter()
        self._deployment = deployment
        self._kill = kill
        self._city = city
        self._is_schedule_awaited = is_schedule_awaited
        self._chance = chance
        self._client = redis.Redis.from_url(deployment.redis_url)

    async def go_on(self, parts: Iterable[str], every_s: float, seconds: float) -> None:
        """Kill one part after the other for a while; each time, see to it that ticks go on."""
        until = time.monotonic() + seconds
        for part in parts:
            await asyncio.sleep(max(0.0, min(every_s, until - time.monotonic())))
            if time.monotonic() >= until:
                return
            await self.cause(part)

    async def cause(self, part: str) -> None:
        """Kill one part in mid-tick.

        Raises:
            TimeoutError: no tick is made after it was killed.
        """
        into_tick_s = self._chance.uniform(*BUSY_S)
        now = time.time()
        await asyncio.sleep(TICK_S - now % TICK_S + into_tick_s)
        killed = self._kill(part)
        assert killed, f"no process to kill: {part}"
        self.killed[part] += killed
        at = time.monotonic()
        if part == BROADCAST and not self._is_schedule_awaited:
            self._start_broadcaster()
        before = await eventually("the live state to answer", self._tick, 30)
        await eventually("a tick", lambda: self._tick() not in {None, before}, NEXT_TICK_S)
        after_s = time.monotonic() - at
        tell(f"killed {killed} of {part}, {1000 * into_tick_s:.0f} ms into a tick; the next was {after_s:.1f} s later")

    def _start_broadcaster(self) -> None:
        """What the schedule does once a minute."""
        lambdas = boto3.client("lambda", **aws.local(self._deployment.endpoint_url))
        lambdas.invoke(FunctionName=self._deployment.outputs["BroadcastFunctionName"], InvocationType="Event")

    def _tick(self) -> bytes | None:
        """When the last tick that was made in the city was due; None while the state does not answer or is new."""
        try:
            tick: bytes | None = self._client.hget(f"{{{self._city}}}:meta", "ticked_to")  # type: ignore[assignment]
        except redis.RedisError:
            return None
        return tick
