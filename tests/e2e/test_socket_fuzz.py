"""Four clients send whatever comes to mind while somebody looks and a fleet pings."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from adapters.live_state import LiveState
from described import from_server
from e2e.fuzzing import DRIVERS, SEED, TIMEOUT_S, TIMES, GoodPings
from e2e.nonsense import FRAMES, Nonsense, made
from e2e.sockets import ANSWER_S
from e2e.sockets import FRAMES as FRAME_TYPES
from e2e.support import Api, settled
from e2e.watcher import held, watching
from fleetglow.deployment import Deployment
from fleetglow.function_logs import lines

MESSAGES = 800 * TIMES
CLIENTS = 4
THREE_TICKS_S = 9
# Whatever is sent is no reason for these.
NOT_BY_CLIENTS = {"unavailable", "expired"}
OFTEN = {"helloAck", "subscribeAck", "not_json", "unknown_action", "invalid", "1003", "1007", "1009"}
BAD_SIGNS = ("Traceback", '"level":"ERROR"', "errorType", "Task timed out")


async def outcome(socket: aiohttp.ClientWebSocketResponse, frame: Nonsense) -> str:
    """Send a frame; says what came of it: a kind of ack, the code of an error, or of the closed connection."""
    await socket.send_frame(frame.data, frame.kind)
    while True:
        received = await socket.receive(ANSWER_S)
        if received.type is not aiohttp.WSMsgType.TEXT:
            assert frame.close_code == socket.close_code, (frame, received)
            return str(socket.close_code)
        message = json.loads(received.data)
        [kind] = from_server(received.data)
        if message.get("type") in FRAME_TYPES:
            continue
        assert frame.close_code is None, (frame, message)
        assert "gatewayError" != kind, (frame, message)
        code = message.get("code")
        # What Python reads as JSON may be none: it has lone surrogates, or a number that is too large.
        assert (None if code == "not_json" else frame.id) == message.get("id"), (frame, message)
        assert code not in NOT_BY_CLIENTS, (frame, message)
        return str(code or kind)


async def client(stack: Deployment, frames: list[Nonsense]) -> Counter[str]:
    """Send frames one after the other, on a new connection wherever one was ended by what it was sent."""
    outcomes: Counter[str] = Counter()
    url = f"{stack.websocket_url}?token={stack.token('heatmap:read drivers:read pings:write', 'fuzz', 3600)}"
    async with aiohttp.ClientSession() as session:
        while frames:
            async with session.ws_connect(url, max_msg_size=0) as socket:
                while frames and not socket.closed:
                    outcomes[await outcome(socket, frames.pop())] += 1
    return outcomes


def bad_signs(stack: Deployment, since: float) -> list[str]:
    """What functions have logged that no client may cause."""
    since_ms = round((time.time() - since) * 1000)
    logged = (line for function in stack.functions for line in lines(stack, function, since_ms, follow=False))
    return [line for line in logged if any(sign in line for sign in BAD_SIGNS)]


@pytest.mark.timeout(TIMEOUT_S)
async def test_whatever_is_sent_has_its_answer_and_nobody_else_feels_it(
    api: Api, stack: Deployment, state: LiveState, exact: Callable[[], bool], failures: Callable[[], list[Any]]
):
    frames, began = made(FRAMES, MESSAGES, SEED), time.time()
    with GoodPings(api, 40.5, -140.5) as good:
        async with watching(stack, good.region, precision=6) as bystander:
            async with asyncio.TaskGroup() as tasks:
                clients = [tasks.create_task(client(stack, frames[n::CLIENTS])) for n in range(CLIENTS)]
            outcomes = sum((each.result() for each in clients), Counter[str]())
            took = time.time() - began
            seen = bystander.view.frames
            await bystander.until(lambda view: view.frames > seen and view.drivers == len(DRIVERS))
            await asyncio.to_thread(good.end)
            await asyncio.to_thread(settled, api)
            # At once, for they fall silent.
            are_counted = await asyncio.to_thread(good.counted, stack)
            await bystander.until(lambda view: view.cells == held(state, good.region, precision=6))
            assert 1 == bystander.view.connections
    print(f"seed {SEED}: {len(frames):,} messages in {took:.0f} s, {seen} frames to the bystander, {dict(outcomes)}")  # noqa: T201

    assert len(frames) == outcomes.total()
    assert seen > took / THREE_TICKS_S
    assert OFTEN <= outcomes.keys()
    assert (good.sent, True) == (good.accepted, are_counted)
    assert [] == bad_signs(stack, began)
    assert exact()
    assert [] == failures()
    assert "ok" == api.get("/health")["status"]
