"""What a hostile or broken client may send on the socket: an error with a code, and nobody else feels it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from adapters.live_state import LiveState
from adapters.registry import MAX_SUBSCRIPTIONS
from e2e.support import Api
from fleetglow.deployment import Deployment
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.viewports import viewport

SUBSCRIBE = {"action": "subscribe", "city": "nairobi", "precision": 7}
NAIROBI = viewport("nairobi", 7, None, cities(), (7,))
ANSWER_S = 20


class Socket:
    """A connection that sends anything."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: object) -> None:
        await self._socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def answer(self) -> dict[str, Any]:
        """The next message that is no frame."""
        while True:
            message: dict[str, Any] = await self._socket.receive_json(timeout=ANSWER_S)
            if message.get("type") not in {"snapshot", "delta", "heartbeat"}:
                return message

    async def ask(self, message: object) -> dict[str, Any]:
        await self.send(message)
        return await self.answer()

    async def close_code(self) -> int | None:
        """The code that the server closes the connection with."""
        async for _ in self._socket:
            pass
        return self._socket.close_code


@asynccontextmanager
async def connected(stack: Deployment, scope: str = "heatmap:read pings:write") -> AsyncIterator[Socket]:
    url = f"{stack.websocket_url}?token={stack.token(scope, 'tester', 3600)}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield Socket(socket)


async def lives(socket: Socket) -> bool:
    return (await socket.ask({"action": "hello", "id": "alive"}))["id"] == "alive"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "not_json"),
        ("[]", "not_json"),
        ("[" * 30_000, "not_json"),
        ({"action": "dance"}, "unknown_action"),
        ({"action": 7}, "unknown_action"),
        ({"action": ["subscribe"]}, "unknown_action"),
        ({"action": "$connect"}, "unknown_action"),
        ({"action": "$disconnect"}, "unknown_action"),
        (SUBSCRIBE | {"city": 5}, "unknown_city"),
        (SUBSCRIBE | {"precision": "7"}, "unknown_precision"),
        (SUBSCRIBE | {"precision": 7.5}, "unknown_precision"),
        (SUBSCRIBE | {"bbox": {"south": 1}}, "invalid"),
        (SUBSCRIBE | {"bbox": [-1.4, 36.6, -1.1, None]}, "invalid"),
        (SUBSCRIBE | {"bbox": [-90, -180, 90, 180]}, "too_large"),
        (SUBSCRIBE | {"since": {"epoch": "e", "rev": 1e400}}, "not_json"),
        (SUBSCRIBE | {"encoding": "brotli"}, "unknown_encoding"),
        (SUBSCRIBE | {"id": {"a": 1}}, "invalid"),
        (SUBSCRIBE | {"city": "x" * 30_000}, "unknown_city"),
        ({"action": "unsubscribe", "subscription": 5}, "invalid"),
        ({"action": "unsubscribe", "subscription": NAIROBI.subscription}, "unknown_subscription"),
        ({"action": "ping", "ping": {"driver_id": "x", "lat": 91, "lon": 0}}, "out_of_range"),
    ],
    ids=lambda value: json.dumps(value)[:40] if not isinstance(value, str) else value[:20],
)
async def test_what_makes_no_sense_is_an_error_with_a_code_and_the_connection_lives(
    stack: Deployment, message: object, code: str
):
    async with connected(stack) as socket:
        answer = await socket.ask(
            json.dumps(message).replace("Infinity", "1e400") if message != str(message) else message
        )

        # A message of pings is answered ping by ping.
        refusals = [answer, *answer.get("rejected", [])]
        assert code in {refusal.get("code") for refusal in refusals}
        assert await lives(socket)


async def test_a_frame_of_33_kb_ends_the_connection_as_the_protocol_says(stack: Deployment, api: Api):
    async with connected(stack) as bystander, connected(stack) as socket:
        await socket.send({"action": "hello", "id": "x" * 33 * 1024})

        assert 1009 == await socket.close_code()
        assert await lives(bystander)
    assert "ok" == api.get("/health")["status"]


async def test_a_connection_gets_as_many_subscriptions_as_it_may_and_errors_after(stack: Deployment):
    def wanted(n: int) -> dict[str, Any]:
        south, west = -1.4 + n % 10 * 0.02, 36.7 + n // 10 % 10 * 0.02
        return SUBSCRIBE | {"precision": 8, "bbox": [south, west, south + 0.001, west + 0.001], "id": str(n)}

    async with connected(stack) as socket:
        for n in range(100):
            await socket.send(wanted(n))
        answers = [await socket.answer() for _ in range(100)]

        acks = {answer["subscription"] for answer in answers if answer["type"] == "ack"}
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert MAX_SUBSCRIPTIONS == len(acks)
        assert {"too_many_subscriptions"} == {answer["code"] for answer in refused}
        assert {str(n) for n in range(100)} == {answer["id"] for answer in answers}
        assert await lives(socket)


async def test_nobody_acts_for_another_connection(stack: Deployment, state: LiveState):
    async with connected(stack) as victim, connected(stack) as attacker:
        whose = (await victim.ask({"action": "hello"}))["connection_id"]
        subscription = (await victim.ask(SUBSCRIBE))["subscription"]

        named = await attacker.ask({"action": "unsubscribe", "subscription": subscription, "connection_id": whose})
        unnamed = await attacker.ask({"action": "unsubscribe", "subscription": subscription})
        subscribed = await attacker.ask(SUBSCRIBE | {"connection_id": whose})

        assert ["unknown_field", "unknown_subscription", "unknown_field"] == [
            answer["code"] for answer in (named, unnamed, subscribed)
        ]
        assert [{Encoding.JSON: [whose]}] == state.viewers([NAIROBI])


async def test_a_token_for_pings_watches_nothing_and_one_for_watching_sends_nothing(stack: Deployment):
    ping = {"action": "ping", "ping": {"driver_id": "intruder", "lat": -1.3, "lon": 36.8}}
    async with connected(stack, "pings:write") as sender, connected(stack, "heatmap:read") as viewer:
        assert "forbidden" == (await sender.ask(SUBSCRIBE))["code"]
        assert "forbidden" == (await viewer.ask(ping))["code"]
