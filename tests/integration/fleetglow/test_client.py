"""The viewer client against a WebSocket server on this machine, which speaks the protocol and misbehaves on request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from fakes.heat_server import BOX, CITY, PRECISION, FakeHeatServer
from fleetglow.backoff import Backoff
from fleetglow.client import HeatmapView, Viewer
from fleetglow.errors import BadInput
from fleetglow.protocol import Message, Subscribe

DEADLINE_S = 10


class Loopback:
    """Serves one `FakeHeatServer` to every viewer; `subscribes` holds what they asked for."""

    def __init__(self) -> None:
        self.heat = FakeHeatServer()
        self.subscribes: list[Subscribe] = []
        self.tokens: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.query.get("token", ""))
        if request.query.get("token") != "good":
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                subscribe = msgspec.json.decode(message.data, type=Subscribe)
                self.subscribes.append(subscribe)
                await self.send(self.heat.answer(subscribe))
        return socket

    async def send(self, messages: list[Message]) -> None:
        for message in messages:
            await self.sockets[-1].send_str(msgspec.json.encode(message).decode())


@pytest.fixture
async def loopback() -> AsyncIterator[tuple[Loopback, str]]:
    served = Loopback()
    app = web.Application()
    app.router.add_get("/live", served.serve)
    async with TestServer(app, host="127.0.0.1") as server:
        yield served, str(server.make_url("/live"))


@asynccontextmanager
async def watching(url: str, *, is_welcome: bool = True) -> AsyncIterator[AsyncIterator[HeatmapView]]:
    viewer = Viewer(url, "good" if is_welcome else "bad", CITY, PRECISION, BOX, backoff=Backoff(0.01, 0.01))
    async with asyncio.timeout(DEADLINE_S), viewer:
        yield viewer.states()


async def until(views: AsyncIterator[HeatmapView], wanted: Callable[[HeatmapView], bool]) -> HeatmapView:
    async for view in views:
        if wanted(view):
            return view
    raise AssertionError("the viewer stopped")


async def test_a_viewer_sees_the_snapshot_and_follows_the_deltas(loopback: tuple[Loopback, str]):
    served, url = loopback
    served.heat.change({served.heat.tiles[0] + "2x": 3})
    async with watching(url) as views:
        first = await until(views, lambda view: view.epoch is not None)
        served.heat.change({served.heat.tiles[0] + "31": 1})
        await served.send(served.heat.tick())
        second = await until(views, lambda view: view.drivers == 4)

    assert {served.heat.tiles[0] + "2x": 3} == first.cells
    assert served.heat.cells == second.cells
    assert ("connected", 0, 2) == (second.link, second.gaps, second.frames)


async def test_a_viewer_who_missed_a_delta_resumes(loopback: tuple[Loopback, str]):
    served, url = loopback
    async with watching(url) as views:
        await until(views, lambda view: view.epoch is not None)
        served.heat.change({served.heat.tiles[0] + "2x": 3})
        served.heat.tick()
        served.heat.change({served.heat.tiles[0] + "31": 1})
        await served.send(served.heat.tick())
        view = await until(views, lambda view: view.cells == served.heat.cells)

    assert 1 == view.gaps
    assert served.subscribes[1].since is not None


async def test_a_viewer_comes_back_and_resumes_after_its_connection_broke(loopback: tuple[Loopback, str]):
    served, url = loopback
    async with watching(url) as views:
        await until(views, lambda view: view.epoch is not None)
        served.heat.change({served.heat.tiles[0] + "2x": 3})
        await served.sockets[0].close()
        away = await until(views, lambda view: view.link != "connected")
        back = await until(views, lambda view: view.drivers == 3)

    assert "reconnecting" == away.link
    assert ("connected", 2) == (back.link, back.connections)
    assert served.subscribes[1].since is not None


async def test_a_refused_token_is_an_error_and_no_loop(loopback: tuple[Loopback, str]):
    served, url = loopback
    async with watching(url, is_welcome=False) as views:
        with pytest.raises(BadInput, match="heatmap:read"):
            await until(views, lambda _view: False)

    assert ["bad"] == served.tokens
