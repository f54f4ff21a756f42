"""A small server for the map page: its files, `config.json`, and the live protocol, all in the test's own process.

What is live is what the test says: it sets counts, and decides when a frame goes out, the connection drops, or a frame
is lost. The page lies under a path, as it does in a bucket.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geohash
from aiohttp import WSCloseCode, web

PAGE_PATH = "/some-bucket/map/"
TOKEN = "a-viewers-token"

CITIES = [
    {"name": "lagos", "title": "Lagos", "bbox": [6.35, 3.1, 6.75, 3.75]},
    {"name": "nairobi", "title": "Nairobi", "bbox": [-1.45, 36.65, -1.15, 37.1]},
]
PRECISION = 7


@dataclass
class _CityState:
    rev: int = 1
    counts: dict[str, int] = field(default_factory=dict)
    tile_revs: dict[str, int] = field(default_factory=dict)
    cell_revs: dict[str, int] = field(default_factory=dict)


class LiveServer:
    """Serves the built page from `dist` and speaks the protocol to whoever opens it.

    Attributes:
        subscribes: every `subscribe` message received, oldest first.
        accepting: whether connections are let in; the page gets 503 otherwise.
        epoch: of all cities.
        lag_ms: how late the newest event is said to be.
    """

    def __init__(self, dist: Path) -> None:
        self.subscribes: list[dict[str, Any]] = []
        self.accepting = True
        self.epoch = "k3f"
        self.lag_ms = 40
        self._dist = dist
        self._cities = {str(city["name"]): _CityState() for city in CITIES}
        self._viewers: dict[web.WebSocketResponse, str] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_get("/live", self._live)
        app.router.add_get(f"{PAGE_PATH}config.json", self._config)
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
    def page_url(self) -> str:
        """The page's address, without a token."""
        return f"http://127.0.0.1:{self._port}{PAGE_PATH}index.html"

    @property
    def web_url(self) -> str:
        """The page's address as the command line gives it: with a token that works."""
        return f"{self.page_url}#token={TOKEN}"

    def drivers(self, city: str = "lagos") -> int:
        return sum(self._cities[city].counts.values())

    def cells(self, city: str = "lagos") -> int:
        return sum(1 for count in self._cities[city].counts.values() if count)

    async def change(self, counts: Mapping[str, int], *, city: str = "lagos", lose: bool = False) -> None:
        """Sets counts by cell and sends the delta, or loses it."""
        state = self._cities[city]
        state.rev += 1
        prev = {cell[:-2]: state.tile_revs.get(cell[:-2], 0) for cell in counts}
        for cell, count in counts.items():
            state.counts[cell] = count
            state.cell_revs[cell] = state.tile_revs[cell[:-2]] = state.rev
        if not lose:
            await self._broadcast(city, {**self._stamp("delta", city), "tiles": _tiles(counts), "prev": prev})

    async def replace(self, counts: Mapping[str, int], *, city: str = "lagos") -> None:
        """Makes these the city's only cells, and sends what that changes."""
        before = self._cities[city].counts
        gone = {cell: 0 for cell, count in before.items() if count and cell not in counts}
        changed = {cell: count for cell, count in counts.items() if before.get(cell) != count}
        await self.change(gone | changed, city=city)

    async def heartbeat(self, city: str = "lagos") -> None:
        await self._broadcast(city, self._stamp("heartbeat", city))

    async def drop(self) -> None:
        """Ends every connection."""
        for socket in list(self._viewers):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _config(self, request: web.Request) -> web.Response:
        websocket_url = f"ws://127.0.0.1:{self._port}/live"
        rest_url = f"http://127.0.0.1:{self._port}"
        return web.json_response(
            {"websocket_url": websocket_url, "rest_url": rest_url, "cities": CITIES, "precisions": [5, 6, PRECISION]}
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if not self.accepting:
            return web.Response(status=503)
        if request.query.get("token") != TOKEN:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._viewers[socket] = ""
        try:
            async for message in socket:
                await self._answer(socket, json.loads(message.data))
        finally:
            del self._viewers[socket]
        return socket

    async def _answer(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message["action"] == "unsubscribe":
            self._viewers[socket] = ""
            return
        self.subscribes.append(message)
        city = message["city"]
        state = self._cities[city]
        self._viewers[socket] = city
        subscription = _subscription(city)
        await socket.send_json({"type": "ack", "action": "subscribe", "subscription": subscription})
        since = message.get("since")
        if since and since["epoch"] == self.epoch:
            cells = {cell: n for cell, n in state.counts.items() if state.cell_revs[cell] > since["rev"]}
            kind = {**self._stamp("delta", city), "resumed": True, "prev": {cell[:-2]: since["rev"] for cell in cells}}
        else:
            cells = {cell: n for cell, n in state.counts.items() if n}
            kind = self._stamp("snapshot", city)
        # Two parts, since a city's snapshot rarely fits into one message.
        tiles = list(_tiles(cells).items())
        for part in (1, 2):
            half = dict(tiles[part - 1 :: 2])
            await socket.send_json({**kind, "subscription": subscription, "part": part, "parts": 2, "tiles": half})

    def _stamp(self, kind: str, city: str) -> dict[str, Any]:
        stamp = {"type": kind, "city": city, "precision": PRECISION, "epoch": self.epoch, "rev": self._cities[city].rev}
        return stamp | {"as_of": "2026-01-01T00:00:00.000Z", "lag_ms": self.lag_ms, "drivers": self.drivers(city)}

    async def _broadcast(self, city: str, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        watching = [socket for socket, watched in self._viewers.items() if watched == city]
        await asyncio.gather(*(socket.send_str(text) for socket in watching))


def _tiles(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    tiles: dict[str, dict[str, int]] = {}
    for cell, count in counts.items():
        tiles.setdefault(cell[:-2], {})[cell[-2:]] = count
    return tiles


def _subscription(city: str) -> str:
    south, west, north, east = next(place["bbox"] for place in CITIES if place["name"] == city)
    corners = geohash.encode(south, west, PRECISION - 2), geohash.encode(north, east, PRECISION - 2)
    return f"{city}/{PRECISION}/{corners[0]}-{corners[1]}"
