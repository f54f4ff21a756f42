"""Viewers on the running stack: in step with the server, through the loss of what they depend on."""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from adapters.live_state import LiveState
from e2e.support import Api, Traffic, live, until
from fleetglow.client import HeatmapClient, Watch
from fleetglow.deployment import Deployment
from fleetglow.heatmap_view import HeatmapView
from fleetglow.protocol import Encoding

PATIENCE_S = 60


class Watcher:
    """A viewer that notes every view it was shown."""

    def __init__(self) -> None:
        self.views: list[HeatmapView] = []

    @property
    def view(self) -> HeatmapView:
        return self.views[-1]

    async def follow(self, watch: Watch) -> None:
        async for view in watch.views():
            self.views.append(view)

    async def until(self, condition: Callable[[HeatmapView], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.views or not condition(self.view):  # noqa: ASYNC110 - it may depend on the server as well
                await asyncio.sleep(0.05)


@asynccontextmanager
async def watching(
    stack: Deployment, city: str, precision: int = 7, encoding: Encoding = "deflate"
) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    token = stack.token("heatmap:read drivers:read", "viewer", 3600)
    async with HeatmapClient(stack.websocket_url, token) as client:
        task = asyncio.create_task(watcher.follow(client.watch(city, precision, encoding=encoding)))
        try:
            await watcher.until(lambda view: view.epoch is not None)
            yield watcher
        finally:
            task.cancel()


def held(state: LiveState, city: str) -> dict[str, int]:
    return {cell: n for cell, n in state.view(city, 7).cells.items() if n}


async def test_a_viewer_sees_what_the_server_counts(api: Api, stack: Deployment, state: LiveState):
    async with watching(stack, "beijing") as watcher:
        traffic = Traffic("beijing", 8)
        await watcher.until(lambda view: view.drivers == traffic.drivers)
        await asyncio.to_thread(traffic.summary)

        await watcher.until(lambda view: view.cells == held(state, "beijing"))


async def test_frames_come_at_the_ticks(stack: Deployment):
    async with watching(stack, "beijing") as watcher:
        traffic = Traffic("beijing", 30)
        await asyncio.to_thread(traffic.summary)

    moments = sorted({view.as_of.timestamp() for view in watcher.views if view.as_of and view.frames > 1})
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    # Each tick has one frame, stamped when the tick is made: on a busy machine too, most are in time.
    assert len(gaps) >= 6
    assert statistics.median(abs(gap - 3) for gap in gaps) < 0.3, gaps


async def test_the_socket_server_is_killed_and_viewers_come_back_and_resume(
    stack: Deployment, state: LiveState, kill: Callable[[str], int]
):
    async with watching(stack, "beijing") as watcher:
        traffic = Traffic("beijing", 20)
        await watcher.until(lambda view: view.drivers == traffic.drivers)
        epoch, connections = watcher.view.epoch, watcher.view.connections

        assert kill("localstack_dockerless.websocket") >= 1

        await watcher.until(lambda view: view.connections > connections and view.link == "connected")
        await asyncio.to_thread(traffic.summary)
        await watcher.until(lambda view: view.cells == held(state, "beijing"))
        assert epoch == watcher.view.epoch


async def test_the_state_is_lost_and_viewers_get_a_snapshot_of_the_new_one(
    stack: Deployment, state: LiveState, kill: Callable[[str], int]
):
    async with watching(stack, "beijing") as watcher:
        traffic = Traffic("beijing", 40)
        await watcher.until(lambda view: view.drivers == traffic.drivers)
        epoch = watcher.view.epoch

        assert 1 == kill("valkey-server")

        await watcher.until(lambda view: view.epoch not in {epoch, None} and view.drivers == traffic.drivers)
        await asyncio.to_thread(traffic.summary)
        await watcher.until(lambda view: view.cells == held(state, "beijing"))


@pytest.mark.parametrize("token", ["", "junk"])
async def test_without_a_valid_token_the_socket_stays_shut(stack: Deployment, token: str):
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await session.ws_connect(f"{stack.websocket_url}?token={token}")

    assert 401 == refusal.value.status


async def answers(stack: Deployment, *messages: object) -> list[Any]:
    """What comes back for each message on one connection, with the token as a subprotocol."""
    token = stack.token("heatmap:read drivers:read pings:write", "viewer", 3600)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(stack.websocket_url, protocols=["fleetglow", token]) as socket,
    ):
        assert "fleetglow" == socket.protocol
        received = []
        for message in messages:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
            received.append(await socket.receive_json(timeout=20))
        return received


async def test_what_makes_no_sense_is_an_error_and_the_connection_lives(stack: Deployment):
    bad = ["not json", "[]", {"action": "dance"}, {"action": "subscribe", "city": "atlantis", "precision": 7}]

    *errors, hello = await answers(stack, *bad, {"action": "hello"})

    assert ["not_json", "not_json", "unknown_action", "unknown_city"] == [error["code"] for error in errors]
    assert "ack" == hello["type"]


async def test_drivers_may_ping_over_the_socket(stack: Deployment, state: LiveState):
    ping = {"driver_id": "over-the-socket", "lat": -23.55, "lon": -46.63}

    [one, many] = await answers(
        stack, {"action": "ping", "ping": ping}, {"action": "pings", "pings": [ping, ping | {"lat": 91}]}
    )

    assert (1, 1, 1) == (one["accepted"], many["accepted"], len(many["rejected"]))
    until(lambda: live(state, "sao-paulo") == 1)
