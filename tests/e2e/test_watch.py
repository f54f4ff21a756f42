"""Watching the running stack from the command line and with the client."""

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import aiohttp
import pytest

from adapters.live_state import LiveState
from described import from_client, from_server
from e2e.support import Traffic, live, until
from fleetglow.client import BadInput, HeatmapClient, HeatmapView
from fleetglow.deployment import Deployment
from heatmap.cells import TILE_CHARACTERS, BBox, tiles_over
from heatmap.cities import cities
from heatmap.viewports import from_subscription
from stamped_lines import without_moments

CITY = "san-francisco"
DOWNTOWN = BBox(37.74, -122.45, 37.81, -122.38)
LINE = re.compile(rf"\d\d:\d\d:\d\d {CITY} rev \d+ drivers (\d+) cells (\d+) lag \d+ ms")
PATIENCE_S = 90

# The first of these tests may have to wait for the stack.
pytestmark = pytest.mark.timeout(300)


def watch(*options: str) -> subprocess.Popen[str]:
    """`fleetglow watch` with its output in a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "fleetglow", "watch", "--city", CITY, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_each_frame_is_a_line(stack: Deployment, state: LiveState):
    with Traffic(CITY) as traffic:
        until(lambda: live(state, CITY) == traffic.drivers)
        watching = watch("--seconds", "15")
        out, err = watching.communicate(timeout=PATIENCE_S)

    assert (0, f"{CITY}: connecting\n{CITY}: connected\n") == (watching.returncode, without_moments(err))
    frames = [LINE.fullmatch(line) for line in out.splitlines()]
    assert len(frames) >= 3
    assert all(frame and traffic.drivers == int(frame[1]) and int(frame[2]) > 100 for frame in frames)


def test_one_frame_is_one_line_at_the_precision_that_was_asked_for(stack: Deployment, state: LiveState):
    with Traffic(CITY) as traffic:
        until(lambda: live(state, CITY) == traffic.drivers)
        watching = watch("--once", "--precision", "4")
        out, err = watching.communicate(timeout=PATIENCE_S)

    assert (0, f"{CITY}: connected\n") == (watching.returncode, without_moments(err))
    frame = LINE.fullmatch(out.strip())
    assert frame
    assert 0 < int(frame[2]) < 20


async def test_a_viewport_that_is_too_large_is_refused_with_a_precision_that_fits(stack: Deployment):
    token = stack.token("heatmap:read drivers:read", "viewer", 3600)
    async with HeatmapClient(stack.websocket_url, token) as client, asyncio.timeout(PATIENCE_S):
        with pytest.raises(BadInput, match=r"bbox: expected at most 1024 tiles at precision 8 \(precision 7 would fit"):
            await anext(view async for view in client.watch(CITY, 8).views() if view.epoch)


def test_one_frame_of_a_city_without_drivers_comes_as_soon_as_of_any_other(stack: Deployment):
    watching = watch("--once", "--city", "nairobi", "--seconds", "30")
    out, err = watching.communicate(timeout=PATIENCE_S)

    assert (0, "nairobi: connected\n") == (watching.returncode, without_moments(err))
    assert re.fullmatch(r"\d\d:\d\d:\d\d nairobi rev \d+ drivers 0 cells 0 lag \d+ ms\n", out)


async def becomes(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - it is for the stack to make it true
        await asyncio.sleep(0.1)


def agree(views: list[HeatmapView]) -> bool:
    """Whether the finer of two viewports adds up to the coarser one wherever both look, and something is seen."""
    if not all(view.subscription and view.cells for view in views):
        return False
    for coarse, fine in pairwise(views):
        seen = from_subscription(fine.subscription).tiles
        both = {cell: n for cell, n in coarse.cells.items() if seen.holds(cell[: fine.precision - TILE_CHARACTERS])}
        added_up: Counter[str] = Counter()
        for cell, n in fine.cells.items():
            added_up[cell[: coarse.precision]] += n
        if both != added_up:
            return False
    return True


async def test_viewports_at_every_precision_share_a_connection_and_agree(stack: Deployment, state: LiveState):
    token = stack.token("heatmap:read drivers:read", "viewer", 3600)
    traffic = Traffic(CITY, 8)
    async with HeatmapClient(stack.websocket_url, token) as client, asyncio.timeout(PATIENCE_S):
        offered = (await client.hello()).precisions
        assert (4, 5, 6, 7, 8) == offered
        watches = [client.watch(CITY, precision, DOWNTOWN) for precision in offered]
        plain, packed = client.watch(CITY, 7, encoding="json"), client.watch(CITY, 6)
        await asyncio.to_thread(traffic.summary)
        # Between two ticks all of them are at the same revision.
        await becomes(lambda: agree([watch.view for watch in watches]))
        await becomes(lambda: agree([packed.view, plain.view]))
        await becomes(lambda: sum(plain.view.cells.values()) == plain.view.drivers)
        views = [watch.view for watch in (*watches, plain, packed)]

    assert {(1, "connected")} == {(view.connections, view.link) for view in views}


async def test_what_the_stack_answers_is_what_the_documentation_describes(stack: Deployment):
    ping = {"driver_id": "described", "lat": 37.77, "lon": -122.42}
    token = stack.token("heatmap:read drivers:read pings:write", "viewer", 3600)
    name = f"{CITY}/5/{_extent()}"
    said = [
        {"action": "hello", "id": "1"},
        {"action": "ping", "ping": ping},
        {"action": "pings", "pings": [ping, ping | {"sampled_at": 0}]},
        {"action": "unsubscribe", "subscription": name},
        {"action": "subscribe", "city": CITY, "precision": 5, "id": "2"},
    ]
    heard: list[str] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{stack.websocket_url}?token={token}") as socket,
        asyncio.timeout(PATIENCE_S),
    ):
        for message in said:
            text = json.dumps(message)
            assert [message["action"]] == from_client(text)
            await socket.send_str(text)
            heard += from_server(await socket.receive_str())
        # The frame comes another way than the ack, and may overtake it.
        heard += from_server(await socket.receive_str())

    assert ["helloAck", "pingAck", "pingsAck", "error", "snapshot", "subscribeAck"] == [*heard[:4], *sorted(heard[4:])]


def _extent() -> str:
    tiles = tiles_over(cities().get(CITY).bbox, 5)
    return f"{tiles.south_west}-{tiles.north_east}"
