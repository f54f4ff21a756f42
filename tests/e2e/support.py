"""A client of the running stack, and what breaking its parts takes."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis

from adapters.live_state import LiveState
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from fleetglow.local_stack import find
from heatmap.times import rfc3339


@dataclass
class Api:
    """The REST API, with a token that may do everything."""

    url: str
    token: str

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and decoded answer; a body that is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"} | (headers or {})
        request = urllib.request.Request(self.url + path, data, {k: v for k, v in sent.items() if v}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own stack
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", path)
        assert 200 == status, answer
        return answer

    def post_pings(self, *pings: dict[str, Any]) -> Any:
        status, answer = self.call("POST", "/pings", {"pings": pings})
        assert 202 == status, answer
        return answer


def until[T](condition: Callable[[], T], seconds: float = 30) -> T:
    """The first true value of a condition; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return value


def settled(api: Api) -> bool:
    """Waits until every ping that was accepted before has been applied or has failed."""
    # An answer about the stream serves for a while: one from before tells nothing of the last pings.
    since = rfc3339(time.time_ns() // 1_000_000)
    return until(lambda: (health := api.get("/health"))["as_of"] > since and health["stream"]["lag_ms"] == 0, 60)


def descendants(pid: int) -> dict[int, str]:
    """The command lines of all processes below one, by id."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    commands = {}
    for each in found - {pid}:
        try:
            commands[each] = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return commands


def kill(instance: Instance, text: str) -> int:
    """Kill the processes of a stack whose command line holds a text; says how many there were."""
    process = find(instance)
    assert process is not None
    pids = [pid for pid, command in descendants(process.pid).items() if text in command]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


class Traffic:
    """A simulated fleet that pings every two seconds while something happens; as a context, no longer than it does.

    Attributes:
        drivers: how many.
    """

    drivers = 1_000

    def __init__(self, city: str, duration_s: int = 300) -> None:
        arguments = ["--drivers", str(self.drivers), "--interval", "2", "--duration", str(duration_s), "--city", city]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fleetglow", "simulate", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)

    def summary(self) -> dict[str, Any]:
        """What it sent and what was accepted, once it has ended."""
        printed, _ = self._process.communicate(timeout=120)
        summary: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return summary


def is_live(stack: Deployment, city: str, driver_id: str) -> bool:
    """Whether a city counts a driver; only the state itself tells of one."""
    return bool(redis.Redis.from_url(stack.redis_url).hexists(f"{{{city}}}:drivers", driver_id))


def live(state: LiveState, city: str) -> int:
    """Drivers in a city as the live state has them."""
    return state.check([city])[city].stamp.live
