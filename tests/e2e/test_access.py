"""The running stack opens for a token what docs/auth.md says, and ends a connection with its token."""

import json
import time
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import boto3
import pytest
import redis

from access_table import ANSWERS, REST, SOCKET, TOKENS, VALID, shortened
from adapters.registry import Registry
from described import from_server
from described_rest import problems
from e2e.support import Api, until
from fleetglow import aws
from fleetglow.client import HeatmapClient
from fleetglow.deployment import Deployment
from heatmap.claims import LEEWAY_S
from minting import BAD_TOKENS, a_token

ANSWER_S = 20
TICK_S = 3
# Of a token that has expired, on a busy machine.
CLOSED_WITHIN_S = 30
CLOSED_BY_THE_SERVER = 1000


@pytest.mark.parametrize("kind", TOKENS)
def test_rest_answers_as_the_page_says(stack: Deployment, secret: str, kind: str):
    token = TOKENS[kind](secret)
    api = Api(stack.rest_url, token)
    # Without a token there is no header, which is what API Gateway looks for first.
    headers = None if token else {"Authorization": ""}

    answers = {name: api.call(call.method, call.url, call.body, headers) for name, call in REST.items()}

    assert {name: ANSWERS[kind][name] for name in REST} == {name: str(status) for name, (status, _) in answers.items()}
    assert [] == [
        problem
        for name, (status, answer) in answers.items()
        for problem in problems(REST[name].method, REST[name].path, status, answer)
    ]


async def connect(exits: AsyncExitStack, stack: Deployment, token: str) -> aiohttp.ClientWebSocketResponse:
    """A connection; its token is a subprotocol, since the longest do not fit into an address."""
    session = await exits.enter_async_context(aiohttp.ClientSession())
    protocols = ("fleetglow", token) if token else ()
    return await exits.enter_async_context(session.ws_connect(stack.websocket_url, protocols=protocols))


async def ask(socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> dict[str, Any]:
    """The answer to a message, whatever frames come before it."""
    await socket.send_json(message | {"id": "asked"})
    while True:
        answer: dict[str, Any] = await socket.receive_json(timeout=ANSWER_S)
        if answer.get("id") == "asked":
            return answer


@pytest.mark.parametrize("kind", VALID)
async def test_the_socket_answers_as_the_page_says(stack: Deployment, secret: str, kind: str):
    async with AsyncExitStack() as exits:
        socket = await connect(exits, stack, TOKENS[kind](secret))

        answers = {name: await ask(socket, message) for name, message in SOCKET.items()}

    assert {name: ANSWERS[kind][name] for name in SOCKET} == {name: shortened(each) for name, each in answers.items()}
    assert from_server(*[json.dumps(each) for each in answers.values()])


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_opens_no_socket(stack: Deployment, secret: str, kind: str):
    async with AsyncExitStack() as exits:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(exits, stack, TOKENS[kind](secret))

    assert 401 == refused.value.status


def soon() -> int:
    """An end for a token, UTC seconds: in a moment, and then there are two seconds until the next tick."""
    over = int(time.time()) + LEEWAY_S + 2
    return over + (1 - over) % TICK_S - LEEWAY_S


async def test_a_connection_ends_with_its_token(stack: Deployment, secret: str):
    token = a_token(secret, exp=soon())
    registry = Registry(redis.Redis.from_url(stack.redis_url))
    async with AsyncExitStack() as exits:
        socket = await connect(exits, stack, token)
        connection = (await ask(socket, {"action": "hello"}))["connection_id"]
        assert "ack" == shortened(await ask(socket, SOCKET["subscribe"]))
        assert registry.viewports(connection)

        told: list[str] = []
        closed_by = time.monotonic() + CLOSED_WITHIN_S
        while not socket.closed:
            assert time.monotonic() < closed_by, told
            try:
                told.append(shortened(await ask(socket, {"action": "hello"})))
            except (TypeError, ConnectionError):
                # What was received is no text, but the end.
                break
        await socket.receive()

    assert CLOSED_BY_THE_SERVER == socket.close_code
    assert ["ack"] * told.count("ack") + ["expired"] * told.count("expired") == told
    assert told.count("expired")
    until(lambda: not registry.viewports(connection))


def test_an_answer_that_api_gateway_remembers_does_not_outlast_the_token(stack: Deployment, secret: str):
    api = Api(stack.rest_url, a_token(secret, exp=soon()))
    assert api.get("/cities")

    status, answer = until(lambda: (said := api.call("GET", "/cities"))[0] != 200 and said)

    assert (401, "expired") == (status, answer["code"])


async def test_a_viewer_whose_token_expires_goes_on_with_a_new_one(stack: Deployment, secret: str):
    ends = [soon()]

    def token() -> str:
        return a_token(secret, exp=ends.pop()) if ends else a_token(secret)

    async with HeatmapClient(stack.websocket_url, token) as client:
        async for view in client.watch("lagos", 6).views():
            assert view.connections <= 2
            if view.connections == 2 and view.epoch is not None:
                break

    assert 2 == client.traffic.connections


def test_no_log_holds_a_token(stack: Deployment, secret: str):
    refused = BAD_TOKENS["wrong key"](secret)
    for token in (a_token(secret), refused):
        Api(stack.rest_url, token).call("GET", "/cities")
    logs = boto3.client("logs", **aws.local(stack.endpoint_url))

    def lines(function: str) -> list[str]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        return [event["message"] for page in pages for event in page["events"]]

    until(lambda: any("refused" in line for line in lines(stack.functions["authorize"])))

    # As every token begins: base64url of `{"`.
    assert [] == [line for function in stack.functions.values() for line in lines(function) if "eyJ" in line]
