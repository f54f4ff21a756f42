"""Load generators as the test sees them: processes of their own, which end with it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from soak.lines import MAX_LINE_BYTES

ANSWER_S = 60.0
# Thousands of connections take a while to close.
END_S = 20.0
TESTS = Path(__file__).resolve().parent.parent


class Worker:
    """A module that runs as a process and answers requests, one at a time.

    Attributes:
        name: of the module.
        pid: of the process.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process

    async def ask(self, request: object, timeout_s: float = ANSWER_S) -> Any:
        """What it answers to a request.

        Raises:
            TimeoutError: nothing, in that time.
            ConnectionError: it has ended; its standard error, which is ours, tells why.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with asyncio.timeout(timeout_s):
            stdin.write(msgspec.json.encode(request) + b"\n")
            await stdin.drain()
            line = await stdout.readline()
        if not line:
            raise ConnectionError(f"{self.name} has ended")
        return msgspec.json.decode(line)

    async def end(self) -> None:
        """End it; what it has done is answered for by then."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await self._process.wait()
        finally:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def worker(name: str) -> AsyncIterator[Worker]:
    """Run a module of this folder, or one of another by its whole name."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        name if "." in name else f"soak.{name}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        limit=MAX_LINE_BYTES,
        # Of its own, so that a Ctrl-C reaches the test alone, which ends it in order.
        start_new_session=True,
    )
    running = Worker(name, process)
    try:
        yield running
    finally:
        with suppress(TimeoutError):
            await running.end()
