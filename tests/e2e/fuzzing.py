"""What the fuzz runs share: how much they send, and the good pings that have to be counted all the while.

FUZZ_TIMES=10 FUZZ_SEED=7 .venv/bin/pytest -s tests/e2e/test_openapi_fuzz.py tests/e2e/test_socket_fuzz.py

A run prints its seed and, where times are sent, when it began; the same FUZZ_SEED and FUZZ_BEGAN_AT send the same.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Any, Self

import redis

from e2e.support import Api
from fleetglow.deployment import Deployment
from heatmap.cells import cell_of

# As many times as in the suite.
TIMES = int(os.environ.get("FUZZ_TIMES") or 1)
SEED = int(os.environ.get("FUZZ_SEED") or 1)
# UTC milliseconds.
BEGAN_AT = int(os.environ.get("FUZZ_BEGAN_AT") or time.time_ns() // 1_000_000)
TIMEOUT_S = 180 + 120 * TIMES

DRIVERS = [f"good-{n}" for n in range(200)]


class GoodPings:
    """Drivers at a place in no city, each of whom pings every second and moves a little, from entering it to leaving.

    Attributes:
        region: where they are counted.
        sent: how many pings were sent, each of which has to be accepted.
        accepted: how many were.
    """

    def __init__(self, api: Api, lat: float, lon: float) -> None:
        self.region = cell_of(lat, lon, 3)
        self.sent = self.accepted = 0
        self._api = api
        self._place = (lat, lon)
        self._ended = Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self._sending = self._pool.submit(self._send_all)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._pool.shutdown()
        if error is None:
            self.end()

    def end(self) -> None:
        """Send the last pings; leaving does it as well."""
        self._ended.set()
        self._sending.result()

    def counted(self, stack: Deployment) -> bool:
        """Whether each of them is among the live drivers."""
        held = redis.Redis.from_url(stack.redis_url).hmget(f"{{{self.region}}}:drivers", DRIVERS)
        return None not in held

    def _send_all(self) -> None:
        is_last = False
        # Once more after the end, so that all of them are live then.
        while not is_last:
            is_last = self._ended.wait(1)
            self.accepted += self._api.post_pings(*self._pings())["accepted"]

    def _pings(self) -> list[dict[str, Any]]:
        lat, lon = self._place
        # To and fro by 55 metres, less than anybody drives in a second; each time some of them enter another cell.
        step = abs(self.sent // len(DRIVERS) % 40 - 20) * 0.0005
        self.sent += len(DRIVERS)
        return [
            {"driver_id": driver_id, "lat": lat + step + n / 10_000, "lon": lon + n / 5_000}
            for n, driver_id in enumerate(DRIVERS)
        ]
