"""Connections that send anything, also what no client of ours would."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import aiohttp

from fleetglow.deployment import Deployment

ANSWER_S = 20
FRAMES = {"snapshot", "delta", "heartbeat"}


class Socket:
    """A connection that sends anything."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: object) -> None:
        await self._socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = await self._socket.receive_json(timeout=ANSWER_S)
        return message

    async def answer(self) -> dict[str, Any]:
        """The next message that is no frame."""
        while True:
            message = await self.receive()
            if message.get("type") not in FRAMES:
                return message

    async def ask(self, message: object) -> dict[str, Any]:
        await self.send(message)
        return await self.answer()

    async def answers(self, messages: Sequence[object]) -> list[dict[str, Any]]:
        """Send all at once, and read as many answers, in the order in which they come."""
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send_all(messages))
            received = [await self.answer() for _ in messages]
            await sending
        return received

    async def close_code(self) -> int | None:
        """The code that the server closes the connection with."""
        async for _ in self._socket:
            pass
        return self._socket.close_code

    async def _send_all(self, messages: Sequence[object]) -> None:
        for message in messages:
            await self.send(message)


@asynccontextmanager
async def connected(stack: Deployment, scope: str = "heatmap:read drivers:read pings:write") -> AsyncIterator[Socket]:
    url = f"{stack.websocket_url}?token={stack.token(scope, 'tester', 3600)}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield Socket(socket)


async def lives(socket: Socket) -> bool:
    return (await socket.ask({"action": "hello", "id": "alive"}))["id"] == "alive"


class Bystander:
    """A viewer who only looks, and notes when each frame came.

    Attributes:
        frames_at: monotonic seconds.
    """

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.frames_at: list[float] = []
        self._frame_came = asyncio.Event()

    @asynccontextmanager
    async def looking(self, subscribe: object) -> AsyncIterator[None]:
        """Watch a viewport all the while."""
        assert "ack" == (await self._socket.ask(subscribe))["type"]
        task = asyncio.create_task(self._look())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def has_seen(self, frames: int) -> None:
        """Wait until so many frames have come."""
        async with asyncio.timeout(ANSWER_S):
            while len(self.frames_at) < frames:
                self._frame_came.clear()
                await self._frame_came.wait()

    def longest_silence_s(self, since: float, until: float) -> float:
        """The longest time without a frame between two moments."""
        moments = [since, *(at for at in self.frames_at if since < at < until), until]
        return max(after - before for before, after in pairwise(moments))

    async def _look(self) -> None:
        while True:
            if (await self._socket.receive()).get("type") in FRAMES:
                self.frames_at.append(time.monotonic())
                self._frame_came.set()
