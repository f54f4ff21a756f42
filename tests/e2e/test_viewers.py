"""Viewers on the running stack: in step with the server, through the loss of what they depend on."""

import json
import statistics
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from adapters.live_state import LiveState
from e2e.support import Api, Traffic, live, until
from e2e.watcher import held, watching
from fleetglow.deployment import Deployment


async def test_a_viewer_sees_what_the_server_counts(api: Api, stack: Deployment, state: LiveState):
    async with watching(stack, "beijing") as watcher:
        with Traffic("beijing") as traffic:
            await watcher.until(lambda view: view.drivers == traffic.drivers)

        await watcher.until(lambda view: view.cells == held(state, "beijing"))


async def test_frames_come_at_the_ticks(stack: Deployment):
    async with watching(stack, "beijing") as watcher:
        with Traffic("beijing"):
            await watcher.until(lambda view: view.frames > 8)

    moments = sorted({view.as_of.timestamp() for view in watcher.views if view.as_of and view.frames > 1})
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    # Each tick has one frame, stamped when the tick is made: on a busy machine too, most are in time.
    assert len(gaps) >= 6
    assert statistics.median(abs(gap - 3) for gap in gaps) < 0.3, gaps


async def test_the_socket_server_is_killed_and_viewers_come_back_and_resume(
    stack: Deployment, state: LiveState, kill: Callable[[str], int]
):
    async with watching(stack, "beijing") as watcher:
        with Traffic("beijing") as traffic:
            await watcher.until(lambda view: view.drivers == traffic.drivers)
            epoch, connections, frames = watcher.view.epoch, watcher.view.connections, watcher.view.frames

            assert kill("localstack_dockerless.websocket") >= 1

            await watcher.until(lambda view: view.connections > connections and view.frames > frames + 2)
        await watcher.until(lambda view: view.cells == held(state, "beijing"))
        assert epoch == watcher.view.epoch


async def test_the_state_is_lost_and_viewers_get_a_snapshot_of_the_new_one(
    stack: Deployment, state: LiveState, kill: Callable[[str], int]
):
    async with watching(stack, "beijing") as watcher:
        with Traffic("beijing") as traffic:
            await watcher.until(lambda view: view.drivers == traffic.drivers)
            epoch = watcher.view.epoch

            assert 1 == kill("valkey-server")

            await watcher.until(lambda view: view.epoch not in {epoch, None} and view.drivers == traffic.drivers)
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
