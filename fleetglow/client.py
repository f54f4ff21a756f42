"""A viewer of the live heatmap: connects, stays in step whatever is lost, and comes back when the connection breaks.

async with Viewer(deployment.websocket_url, token, "lagos", 7) as viewer:
    async for view in viewer.states():
        print(view.rev, view.drivers, len(view.cells))
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Self

import aiohttp
import msgspec
from yarl import URL

from fleetglow.backoff import Backoff
from fleetglow.clock import Clock, SystemClock
from fleetglow.errors import BadInput
from fleetglow.protocol import Ack, Delta, Heartbeat, Message, Refusal, Snapshot, decode, encode
from fleetglow.viewer_state import Ask, ViewerState
from heatmap.cells import BBox

# A subscribe that is unanswered for this long is said again.
ANSWER_S = 5.0
# The server is never silent for longer than its heartbeat; after half as long again it may have lost all it knew of us.
HEARTBEATS_MISSED = 1.5
DEFAULT_HEARTBEAT_S = 15.0
CONNECT_S = 10.0


@dataclass(frozen=True)
class HeatmapView:
    """What a viewer sees at one moment.

    Attributes:
        link: `connecting`, `connected` or `reconnecting`.
        cells: drivers by geohash of all cells in view that hold any.
        epoch: of the city's state; None until the first snapshot.
        rev, drivers: the city's revision and its live drivers.
        as_of: when the server made the last frame, RFC 3339; "" before the first.
        lag_ms: how old the newest event was then, milliseconds.
        received_at: when the last frame or heartbeat came, on the clock's `monotonic`; None before the first.
        frames, gaps, connections: how many there were.
    """

    link: str
    cells: dict[str, int]
    epoch: str | None = None
    rev: int = 0
    drivers: int = 0
    as_of: str = ""
    lag_ms: int = 0
    received_at: float | None = None
    frames: int = 0
    gaps: int = 0
    connections: int = 0


class Viewer:
    """Watches one city at one precision.

    Args:
        websocket_url: of the stage, without a token.
        token: with the scope heatmap:read; or a function that gives a fresh one for each connection.
        bbox: what to watch; None for the whole city.
    """

    def __init__(  # noqa: PLR0913 - the last two are for tests
        self,
        websocket_url: str,
        token: str | Callable[[], str],
        city: str,
        precision: int,
        bbox: BBox | None = None,
        *,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.state = ViewerState(city, precision, bbox)
        self._url = URL(websocket_url)
        self._token = token if callable(token) else lambda: token
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff(first_s=0.5, longest_s=20)
        self._session: aiohttp.ClientSession | None = None
        self._view = HeatmapView(link="connecting", cells={})
        self._heartbeat_s = DEFAULT_HEARTBEAT_S
        self._answer_due: float | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def states(self) -> AsyncIterator[HeatmapView]:
        """The view after every change of it or of the connection; never ends by itself.

        Raises:
            BadInput: the server does not take the token, or what we ask for.
        """
        failures = 0
        while True:
            frames = self._view.frames
            try:
                async for view in self._connection():
                    yield view
            except aiohttp.WSServerHandshakeError as error:
                if error.status in {401, 403}:
                    raise BadInput(
                        f"token: expected one with the scope heatmap:read, the server answered {error.status}"
                    ) from error
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # told by the view's link; the next attempt follows
            # Only a server that tells something ends the backoff: one that accepts and closes must not be hammered.
            failures = 1 if self._view.frames > frames else failures + 1
            self._view = replace(self._view, link="reconnecting" if self._view.connections else "connecting")
            yield self._view
            await self._clock.sleep(self._backoff.wait_s(failures))

    async def _connection(self) -> AsyncIterator[HeatmapView]:
        """One connection, from its handshake until it ends or says nothing for too long."""
        if self._session is None:
            raise RuntimeError("a viewer is used inside `async with`")
        url = self._url.update_query(token=self._token())
        async with asyncio.timeout(CONNECT_S):
            socket = await self._session.ws_connect(url, max_msg_size=0)
        async with socket:
            self._view = replace(self._view, link="connected", connections=self._view.connections + 1)
            yield self._view
            await self._subscribe(socket)
            while True:
                text = await self._next_text(socket)
                if text is None:
                    return
                message = _decoded(text)
                if message is not None and await self._take(message, socket):
                    yield self._view

    async def _next_text(self, socket: aiohttp.ClientWebSocketResponse) -> str | None:
        """The next message; None when the connection has ended. Raises TimeoutError if it is dead."""
        dead_at = self._clock.monotonic() + self._heartbeat_s * HEARTBEATS_MISSED
        while True:
            now = self._clock.monotonic()
            if now >= dead_at:
                raise TimeoutError
            if self._answer_due is not None and now >= self._answer_due:
                await self._subscribe(socket)
            until = dead_at if self._answer_due is None else min(dead_at, self._answer_due)
            try:
                received = await socket.receive(timeout=max(0.001, until - now))
            except TimeoutError:
                continue
            if received.type is aiohttp.WSMsgType.TEXT:
                return str(received.data)
            if received.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}:
                return None

    async def _subscribe(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._answer_due = self._clock.monotonic() + ANSWER_S
        await socket.send_str(encode(self.state.subscribe()))

    async def _take(self, message: Message, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Apply a message and ask again where something is missing; says whether there is something new to see."""
        if isinstance(message, Refusal):
            if message.action == "subscribe" and message.code not in {"internal_error", "unavailable"}:
                raise BadInput(message.message)
            return False
        ask = self.state.receive(message)
        is_answer = isinstance(message, Snapshot) or (isinstance(message, Delta) and message.resumed)
        if is_answer and not self.state.is_awaiting_parts:
            self._answer_due = None
        if ask is Ask.SNAPSHOT or (ask is Ask.RESUME and self._answer_due is None):
            self._view = replace(self._view, gaps=self._view.gaps + 1)
            await self._subscribe(socket)
        if isinstance(message, Ack):
            self._heartbeat_s = message.heartbeat_seconds or self._heartbeat_s
            return False
        self._look(message)
        return not self.state.is_awaiting_parts

    def _look(self, message: Snapshot | Delta | Heartbeat) -> None:
        state, view = self.state, self._view
        is_frame = not isinstance(message, Heartbeat)
        self._view = replace(
            view,
            cells=state.cells() if is_frame else view.cells,
            epoch=state.epoch,
            rev=state.rev,
            drivers=state.drivers,
            as_of=message.as_of,
            lag_ms=message.lag_ms,
            received_at=self._clock.monotonic(),
            frames=view.frames + is_frame,
        )


def _decoded(text: str) -> Message | None:
    """A message; one that is not of the protocol (as API Gateway's own errors) is passed over, silence is noticed."""
    try:
        return decode(text)
    except msgspec.DecodeError:
        return None
