"""A server that answers every POST with 200 and does nothing else, in a process of its own."""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

# As long as an answer of API Gateway.
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: 0\r\nConnection: keep-alive\r\nx-amzn-RequestId: 5d6b3e1c-0b0f-4a3e-9d5c-2f1f0c6a7b8e\r\n\r\n"
)
_READ_BYTES = 256 * 1024
_LENGTH = b"\r\nContent-Length: "


@dataclass(frozen=True)
class PostServer:
    """Where it listens on 127.0.0.1."""

    pid: int
    port: int

    def cpu_s(self) -> float:
        """The CPU time of its only thread so far, in seconds."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def running() -> Iterator[PostServer]:
    """A server on a free port of the loopback interface."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield PostServer(*ours.recv())
    finally:
        # It takes the end of the pipe for its own.
        ours.close()
        process.join()


def _serve(pipe: Connection) -> None:
    asyncio.run(_listen(pipe))


async def _listen(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    pipe.send((os.getpid(), server.sockets[0].getsockname()[1]))
    ended = asyncio.Event()
    loop.add_reader(pipe.fileno(), ended.set)
    await ended.wait()


class _Connection(asyncio.BufferedProtocol):
    """Takes requests, each after the answer to the one before."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = bytearray(_READ_BYTES)
        self._view = memoryview(self._buffer)
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view[self._received :]

    def buffer_updated(self, nbytes: int) -> None:
        self._received += nbytes
        head = self._buffer.find(b"\r\n\r\n", 0, self._received)
        if head < 0:
            return
        length = self._buffer.rfind(_LENGTH, 0, head + 2) + len(_LENGTH)
        if self._received == head + 4 + int(self._buffer[length : self._buffer.find(b"\r\n", length)]):
            self._received = 0
            self.transport.write(_ANSWER)
