"""A network that can fail: a TCP proxy between two parts of the stack."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

CHUNK_BYTES = 1 << 16
CALL_BEGINS = b"*"


class Proxy:
    """Passes on what comes, unless it is told otherwise.

    Attributes:
        port: where it listens, on 127.0.0.1.
        failing: share of the calls that fail: half of them before they arrive, half after they were carried out.
        counters: what happened, by kind.
    """

    def __init__(self, host: str, port: int, chance: Random) -> None:
        self.port = 0
        self.failing = 0.0
        self.counters: Counter[str] = Counter()
        self._target = host, port
        self._chance = chance
        self._is_cut = False
        self._open: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """From now on nothing passes, on connections that there are or on new ones."""
        self._is_cut = True
        self.counters["connections cut"] += len(self._open)
        for each in self._open:
            each.cancel()

    def mend(self) -> None:
        self._is_cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.counters["connections refused"] += 1
            writer.transport.abort()
            return
        task = asyncio.create_task(self._connect(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        with suppress(asyncio.CancelledError):
            await task

    async def close(self) -> None:
        for each in list(self._open):
            each.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward: asyncio.StreamWriter | None = None
        try:
            back, onward = await asyncio.open_connection(*self._target)
            answers = _Answers()
            pumps = [
                asyncio.create_task(self._calls(reader, onward, answers)),
                asyncio.create_task(self._answers(back, writer, answers)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in pumps:
                    each.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            if onward is not None:
                onward.transport.abort()

    async def _calls(self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, answers: "_Answers") -> None:
        while data := await reader.read(CHUNK_BYTES):
            # What is long comes in pieces, of which the first begins as requests to the cache do.
            is_call = data.startswith(CALL_BEGINS)
            self.counters["calls"] += is_call
            fate = self._chance.random() if is_call else 1.0
            if fate < self.failing / 2:
                self.counters["calls lost"] += 1
                return
            if fate < self.failing:
                self.counters["answers lost"] += 1
                answers.are_lost = True
            onward.write(data)
            await onward.drain()

    @staticmethod
    async def _answers(back: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: "_Answers") -> None:
        while (data := await back.read(CHUNK_BYTES)) and not answers.are_lost:
            writer.write(data)
            await writer.drain()


class _Answers:
    """Of one connection: whether the next answer is lost, and the connection with it."""

    are_lost = False


@asynccontextmanager
async def proxied(host: str, port: int, chance: Random) -> AsyncIterator[Proxy]:
    """A proxy before a server."""
    proxy = Proxy(host, port, chance)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
