"""A small server for the map page and for clients: the page's files, its `config.json`, and the live protocol.

It runs in the test's own process. What is live is what the test says: it sets counts, and decides when a frame goes
out or is lost, when the connection drops, falls silent or is refused. The page lies under a path, as it does in a
bucket.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from fakes.heat_server import FakeConnection, FakeHeatServer
from heatmap.cells import BBox
from heatmap.cities import Cities, City

PAGE_PATH = "/some-bucket/map/"
TOKEN = "a-viewers-token"
# As API Gateway allows.
URL_CHARACTERS = 4_096

CITIES: list[dict[str, Any]] = [
    {"name": "lagos", "title": "Lagos", "time_zone": "Africa/Lagos", "bbox": [6.35, 3.1, 6.75, 3.75]},
    {"name": "nairobi", "title": "Nairobi", "time_zone": "Africa/Nairobi", "bbox": [-1.45, 36.65, -1.15, 37.1]},
]
INTERNAL_ERROR = {"message": "Internal server error", "connectionId": "connection-1", "requestId": "request-1"}


class LiveServer:
    """Serves the built page from `dist`, if there is one, and speaks the protocol to whoever connects.

    Attributes:
        heat: what is live, and the protocol without a network; the test may set its epoch, lag and parts.
        received: every message of a client as JSON, oldest first.
        tokens: those that are taken; with any other a connection gets 401.
        tried: the tokens of all connections that were tried.
        in_urls: what of them was in the URL.
        accepting: whether connections are let in; they get `away_status` otherwise.
        silent: receives, and neither answers nor sends anything.
        loss: the share of frames and heartbeats that is lost, drawn from `chance`.
        frame_first: whether a frame overtakes the ack of its subscribe.
        tiles: the sets of map tiles that `config.json` offers.
    """

    def __init__(self, dist: Path | None = None) -> None:
        places = [City(city["name"], city["title"], city["time_zone"], BBox(*city["bbox"])) for city in CITIES]
        self.heat = FakeHeatServer(places=Cities(places), clock=lambda: time.time_ns() // 1_000_000)
        # A city's snapshot rarely fits into one message.
        self.heat.parts = 2
        self.received: list[dict[str, Any]] = []
        self.tokens = {TOKEN}
        self.tried: list[str] = []
        self.in_urls: list[str] = []
        self.accepting = True
        self.away_status = 503
        self.silent = False
        self.loss = 0.0
        self.chance = Random(1)
        self.frame_first = False
        self.tiles: list[dict[str, Any]] = []
        self._instead: list[tuple[str, dict[str, Any]]] = []
        self._dist = dist
        self._viewers: dict[FakeConnection, web.WebSocketResponse] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; without a port, on one that is free."""
        app = web.Application()
        app.router.add_get("/live", self._live)
        app.router.add_get(f"{PAGE_PATH}config.json", self._config)
        if self._dist:
            app.router.add_static(PAGE_PATH, self._dist)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self.drop()
        if self._runner:
            await self._runner.cleanup()

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/live"

    @property
    def page_url(self) -> str:
        """The page's address, without a token."""
        return f"http://127.0.0.1:{self._port}{PAGE_PATH}index.html"

    @property
    def web_url(self) -> str:
        """The page's address as the command line gives it: with a token that works."""
        return f"{self.page_url}#token={TOKEN}"

    @property
    def subscribes(self) -> list[dict[str, Any]]:
        """Every `subscribe` received, oldest first."""
        return [message for message in self.received if message.get("action") == "subscribe"]

    @property
    def unsubscribes(self) -> list[dict[str, Any]]:
        """Every `unsubscribe` received, oldest first."""
        return [message for message in self.received if message.get("action") == "unsubscribe"]

    @property
    def watched(self) -> list[str]:
        """The names of the viewports that somebody watches now."""
        return sorted({name for viewer in self._viewers for name in viewer.subscriptions})

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._viewers)

    @property
    def heartbeat_seconds(self) -> float:
        """What viewers are promised; a test sends the heartbeats."""
        return self.heat.heartbeat_seconds

    @heartbeat_seconds.setter
    def heartbeat_seconds(self, seconds: float) -> None:
        self.heat.heartbeat_seconds = seconds

    @property
    def epoch(self) -> str:
        return self.heat.epoch

    @property
    def lag_ms(self) -> int:
        """How late the newest event is said to be."""
        return self.heat.lag_ms

    @lag_ms.setter
    def lag_ms(self, milliseconds: int) -> None:
        self.heat.lag_ms = milliseconds

    def drivers(self, city: str = "lagos") -> int:
        return self.heat.drivers(city)

    def cells(self, city: str = "lagos") -> int:
        """How many cells, as the test set them, hold drivers."""
        return sum(1 for count in self.heat.city(city).counts.values() if count)

    async def change(self, counts: Mapping[str, int], *, city: str = "lagos", lose: bool = False) -> None:
        """Set counts by cell, of any precision, and send the deltas, or lose them."""
        self.heat.change(city, counts)
        await self._tick(city, lose=lose)

    async def replace(self, counts: Mapping[str, int], *, city: str = "lagos") -> None:
        """Make these the city's only cells, and send what that changes."""
        before = self.heat.city(city).counts
        gone = {cell: 0 for cell, count in before.items() if count and cell not in counts}
        changed = {cell: count for cell, count in counts.items() if before.get(cell) != count}
        await self.change(gone | changed, city=city)

    async def heartbeat(self, city: str = "lagos") -> None:
        """Send a heartbeat to whoever watches a viewport of a city."""
        await self._tick(city, heartbeats=True)

    async def lose_state(self) -> None:
        """All counts are gone and a new epoch begins; viewers hear of it by a heartbeat."""
        self.heat.lose_state()
        for city in CITIES:
            await self.heartbeat(city["name"])

    def refuse_next(self, action: str, code: str, message: str) -> None:
        """Answer the next message of that action with an error."""
        self._instead.append((action, {"type": "error", "action": action, "code": code, "message": message}))

    def fail_next(self, action: str) -> None:
        """Answer the next message of that action as API Gateway does when a function failed."""
        self._instead.append((action, INTERNAL_ERROR))

    async def drop(self) -> None:
        """End every connection."""
        for socket in list(self._viewers.values()):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _tick(self, city: str, *, heartbeats: bool = False, lose: bool = False) -> None:
        for viewer, texts in self.heat.tick(city, self._viewers, heartbeats=heartbeats):
            if not lose:
                await self._deliver(viewer, texts)

    async def _deliver(self, viewer: FakeConnection, texts: list[str]) -> None:
        """Send frames, which may be lost on the way, unlike the answer to a message."""
        for text in texts:
            if not self.silent and self.chance.random() >= self.loss:
                await self._send(viewer, text)

    async def _send(self, viewer: FakeConnection, text: str) -> None:
        """Send a message, unless whom it is for is just leaving."""
        socket = self._viewers.get(viewer)
        if socket and not socket.closed:
            with suppress(ConnectionError):
                await socket.send_str(text)

    async def _config(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "websocket_url": self.websocket_url,
                "rest_url": f"http://127.0.0.1:{self._port}",
                "cities": [{key: city[key] for key in ("name", "title", "bbox")} for city in CITIES],
                "precisions": list(self.heat.precisions),
                "tiles": self.tiles,
            }
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        in_url = request.query.get("token", "")
        token = offered[1] if offered[0] == "fleetglow" and len(offered) > 1 else in_url
        self.tried.append(token)
        self.in_urls.append(in_url)
        if not self.accepting:
            return web.Response(status=self.away_status)
        if len(request.raw_path) > URL_CHARACTERS:
            return web.Response(status=414)
        if token not in self.tokens:
            return web.Response(status=401)
        socket = web.WebSocketResponse(protocols=("fleetglow",))
        await socket.prepare(request)
        viewer = self.heat.connect()
        self._viewers[viewer] = socket
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._answer(viewer, message.data)
        finally:
            del self._viewers[viewer]
        return socket

    async def _answer(self, viewer: FakeConnection, text: str) -> None:
        message = json.loads(text)
        self.received.append(message)
        if self.silent:
            return
        for planned in self._instead:
            action, instead = planned
            if action == message.get("action"):
                self._instead.remove(planned)
                named = {"id": message["id"]} if "id" in message and instead is not INTERNAL_ERROR else {}
                await self._send(viewer, json.dumps(instead | named))
                return
        ack, *frame = self.heat.answer(viewer, text)
        if self.frame_first:
            await self._deliver(viewer, frame)
        await self._send(viewer, ack)
        if not self.frame_first:
            await self._deliver(viewer, frame)
