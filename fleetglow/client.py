"""A client of the live heatmap: stays in step whatever is lost, and comes back when the connection breaks.

async with HeatmapClient(websocket_url, token) as client:
    lagos = client.watch("lagos", 7)
    async for view in lagos.views():
        print(view.drivers, "drivers in", len(view.cells), "cells,", view.lag_ms, "ms behind")

One connection carries up to 16 viewports. A client is two tasks and one socket, so that a process holds thousands.
"""

import asyncio
from dataclasses import dataclass
from math import inf
from typing import Any, Self

import aiohttp

from fleetglow.clock import SystemClock
from fleetglow.conversation import Conversation
from fleetglow.errors import BadInput, Refused
from fleetglow.feed import Feed
from fleetglow.handshake import opened, trouble_of
from fleetglow.heatmap_view import HeatmapView, Link
from fleetglow.outstanding import Patience, Unanswered
from fleetglow.protocol import Ack, Box, Encoding, Place
from fleetglow.told import Told, told_now
from fleetglow.watch import Watch
from fleetglow.websocket_url import parsed
from heatmap.cells import BBox, bbox_from
from heatmap.errors import InvalidInput

__all__ = [
    "BBox",
    "BadInput",
    "Encoding",
    "HeatmapClient",
    "HeatmapView",
    "Hello",
    "Link",
    "Patience",
    "Place",
    "Told",
    "Traffic",
    "Watch",
]


@dataclass(frozen=True)
class Hello:
    """What a server has: the precisions that it counts at, and its cities."""

    connection_id: str
    precisions: tuple[int, ...]
    cities: tuple[Place, ...]


@dataclass(frozen=True)
class Traffic:
    """What a client has received so far.

    Attributes:
        messages, bytes: of all kinds, on all `connections`.
        garbled: of these messages, those that were not of the protocol.
    """

    messages: int
    bytes: int
    garbled: int
    connections: int


class HeatmapClient:
    """Watches viewports over one connection, from `async with` on.

    Args:
        websocket_url: of the stage, without a token; or a function, which may be async, that says it before each
            connection, of a stage that may move.
        token: with the scope heatmap:read; or a function, which may be async, that gives a fresh one per connection.
        session: to connect with, if many clients share one; it must allow as many connections.

    Attributes:
        turned: set whenever `link` or `trouble` changes; who waits for it clears it.

    Raises:
        BadInput: it is no WebSocket URL.
    """

    def __init__(
        self,
        websocket_url: Told,
        token: Told,
        *,
        session: aiohttp.ClientSession | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._url = parsed(websocket_url) if isinstance(websocket_url, str) else websocket_url
        self._token = token
        self._session = session
        self._owned: aiohttp.ClientSession | None = None
        self._patience = patience or Patience()
        self._clock = SystemClock()
        self._conversation = Conversation(self._patience)
        self._watches: set[Watch] = set()
        self._link: Link = "connecting"
        self._trouble: str | None = None
        self.turned = asyncio.Event()
        self._connections = 0
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._sleeps_until = 0.0

    async def __aenter__(self) -> Self:
        if self._session is None:
            self._owned = self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        self._task = asyncio.create_task(self._run(self._session))
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._owned is not None:
            await self._owned.close()

    @property
    def link(self) -> Link:
        return self._link

    @property
    def trouble(self) -> str | None:
        """Why there is no connection at the moment: what the last attempt failed from, or the last connection."""
        return self._trouble

    @property
    def connections(self) -> int:
        """How many there were, the present one included."""
        return self._connections

    @property
    def traffic(self) -> Traffic:
        said = self._conversation
        return Traffic(said.messages, said.bytes, said.garbled, self._connections)

    def watch(
        self,
        city: str,
        precision: int,
        bbox: BBox | tuple[float, float, float, float] | None = None,
        *,
        encoding: Encoding = "deflate",
    ) -> Watch:
        """Watch a city at a precision (characters of a cell's geohash), all of it or what a box touches.

        Args:
            bbox: (south, west, north, east) in degrees.

        Raises:
            BadInput: it is not a box. What the server does not take, `Watch.views` raises.
        """
        if bbox is not None and not isinstance(bbox, BBox):
            try:
                bbox = bbox_from(bbox)
            except InvalidInput as error:
                raise BadInput(str(error)) from error
        box = (bbox.south, bbox.west, bbox.north, bbox.east) if bbox else None
        watch = Watch(self, self._feed(city, precision, box, encoding))
        self._watches.add(watch)
        return watch

    def leave(self, watch: Watch) -> None:
        """What `Watch.close` does on our side."""
        self._watches.discard(watch)
        if not any(other.feed is watch.feed for other in self._watches):
            self._conversation.leave(watch.feed, self._clock.monotonic())
            self._wake.set()

    async def hello(self) -> Hello:
        """What the server has, as soon as it says so.

        Raises:
            Refused: the server does not take the token, or the connection at all.
        """
        answered: asyncio.Future[Ack | Refused] = asyncio.get_running_loop().create_future()
        self._conversation.greet(
            lambda answer: None if answered.done() else answered.set_result(answer), self._clock.monotonic()
        )
        self._wake.set()
        either: list[asyncio.Future[Any]] = [answered, self._running()]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        self.raise_if_failed()
        answer = await answered
        if isinstance(answer, Refused):
            raise answer
        return Hello(answer.connection_id, answer.precisions, answer.cities)

    @property
    def is_closed(self) -> bool:
        return self._running().done()

    def raise_if_failed(self) -> None:
        """Raise why there will be no more connection; an end in good order is none."""
        task = self._running()
        error = task.exception() if task.done() and not task.cancelled() else None
        if isinstance(error, BadInput):
            # Many may be told of it, and each raise would lengthen the traceback of the same error.
            raise type(error)(str(error)) from error
        if error is not None:
            raise error

    def _feed(self, city: str, precision: int, box: Box | None, encoding: Encoding) -> Feed:
        """That of a watch that asked for the same; subscribed to twice, the first would be sent all of it again."""
        asked = (city, precision, box, encoding)
        for feed in (watch.feed for watch in self._watches):
            if asked == (feed.city, feed.precision, feed.bbox, feed.encoding) and feed.refusal is None:
                return feed
        new = Feed(*asked, changed=lambda: self._notify(new))
        self._conversation.watch(new, self._clock.monotonic())
        self._wake.set()
        return new

    def _notify(self, feed: Feed) -> None:
        for watch in self._watches:
            if watch.feed is feed:
                watch.notify()

    def _running(self) -> asyncio.Task[None]:
        if self._task is None:
            raise RuntimeError("a client is used inside `async with`")
        return self._task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # whoever looks at a view is told
        for watch in self._watches:
            watch.notify()

    def _turn(self, link: Link, trouble: str | None = None) -> None:
        if (link, trouble) != (self._link, self._trouble):
            self._link, self._trouble = link, trouble
            self.turned.set()
            for watch in self._watches:
                watch.notify()

    async def _run(self, session: aiohttp.ClientSession) -> None:
        """Connect again and again."""
        failures = 0
        while True:
            heard = self._conversation.messages
            try:
                trouble = await self._connect(session)
            # A connection's two tasks fail as a group.
            except* (Unanswered, aiohttp.ClientError, TimeoutError, OSError) as error:
                trouble = trouble_of(error)
            # Only a server that tells something ends the backoff: one that accepts and closes must not be hammered.
            failures = 1 if self._conversation.messages > heard else failures + 1
            self._turn("reconnecting" if self._connections else "connecting", trouble)
            await asyncio.sleep(self._patience.reconnect.wait_s(failures))

    async def _connect(self, session: aiohttp.ClientSession) -> str:
        """One connection, from its handshake until it ends or is found dead; how it ended."""
        url = parsed(await told_now(self._url)) if callable(self._url) else self._url
        token = await told_now(self._token)
        async with asyncio.timeout(self._patience.connect_s):
            socket = await opened(session, url, token)
        async with socket:
            self._connections += 1
            self._conversation.open(self._clock.monotonic())
            self._turn("connected")
            try:
                async with asyncio.TaskGroup() as tasks:
                    keeper = tasks.create_task(self._keep(socket))
                    await self._listen(socket)
                    keeper.cancel()
            finally:
                self._conversation.close()
        return f"the server ended the connection ({socket.close_code})"

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        said = self._conversation
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                said.receive(message.data, self._clock.monotonic(), self._clock.wall_ms())
                if said.outgoing or said.due() < self._sleeps_until:
                    self._wake.set()

    async def _keep(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Say what is to be said, and see to what is due. Raises Unanswered."""
        said = self._conversation
        while True:
            self._wake.clear()
            said.check(self._clock.monotonic())
            while said.outgoing:
                await socket.send_str(said.outgoing.popleft())
            self._sleeps_until = said.due()
            delay_s = self._sleeps_until - self._clock.monotonic()
            try:
                async with asyncio.timeout(None if delay_s == inf else delay_s):
                    await self._wake.wait()
            except TimeoutError:
                continue
