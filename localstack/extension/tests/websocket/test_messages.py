"""Messages: the route each takes, what its function sees, and what comes back."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from websocket_support.gateway import running_gateway, stage, target
from websocket_support.lambdas import FakeLambda, FunctionError, echo, ok
from websocket_support.polling import until
from websocket_support.rawclient import connect

from localstack_dockerless.websocket.routing import Route


def fails(_event: dict[str, Any]) -> None:
    raise FunctionError("boom")


async def ask(url: str, message: str) -> Any:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as client:
        await client.send_str(message)
        return (await client.receive_str(timeout=10)) or None


@pytest.mark.parametrize(
    ("message", "route"),
    [
        ('{"action": "say"}', "say"),
        ('{"action": "unknown"}', "$default"),
        ('{"action": "$connect"}', "$default"),
        ('{"action": "$disconnect"}', "$default"),
        ('{"action": 5}', "$default"),
        ("no json", "$default"),
        ("", "$default"),
    ],
)
async def test_a_message_takes_the_route_that_it_names_or_the_default(message: str, route: str) -> None:
    keys = ["$connect", "$disconnect", "$default", "say"]
    routes = {key: Route(target("show"), responds=True) for key in keys}
    lambdas = FakeLambda(
        show=lambda event: {
            "statusCode": 200,
            "body": json.dumps([event["requestContext"]["routeKey"], event.get("body")]),
        }
    )
    async with lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        assert [route, message] == json.loads(await ask(gateway.url(), message))


async def test_the_message_event_has_the_message_and_no_handshake() -> None:
    routes = {"say": Route(target("echo"), responds=True)}
    async with FakeLambda(echo=echo) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        message = '{"action": "say", "text": "höre"}'
        assert message == await ask(gateway.url(), message)
    [(_, event)] = lambdas.calls
    assert {"requestContext", "body", "isBase64Encoded"} == event.keys()
    assert (message, False) == (event["body"], event["isBase64Encoded"])
    context = event["requestContext"]
    assert (context["routeKey"], context["eventType"], context["messageDirection"]) == ("say", "MESSAGE", "IN")
    assert context["messageId"]
    assert context["requestTimeEpoch"] >= context["connectedAt"]


async def test_without_a_default_route_a_stray_message_is_forbidden() -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({})) as gateway:
        answer = json.loads(await ask(gateway.url(), "anything"))
    assert {"message", "connectionId", "requestId"} == answer.keys()
    assert answer["message"] == "Forbidden"


async def test_only_a_route_with_a_route_response_answers() -> None:
    routes = {"quiet": Route(target("echo")), "loud": Route(target("echo"), responds=True)}
    async with (
        FakeLambda(echo=echo) as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        aiohttp.ClientSession() as session,
        session.ws_connect(gateway.url()) as client,
    ):
        await client.send_str('{"action": "quiet"}')
        await until(lambda: len(lambdas.calls) == 1)
        await client.send_str('{"action": "loud"}')
        assert await client.receive_str(timeout=10) == '{"action": "loud"}'


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (fails, "Internal server error"),
        (lambda _: None, "Internal server error"),
        (lambda _: {"body": "no status"}, "Internal server error"),
        (lambda _: asyncio.sleep(5), "Endpoint request timed out"),
        (None, "Internal server error"),
    ],
)
@pytest.mark.parametrize("responds", [True, False])
async def test_a_function_that_fails_is_an_error_message(function: Any, message: str, responds: bool) -> None:
    functions = {"work": function} if function is not None else {}
    routes = {"$default": Route(target("work", timeout_s=0.3), responds=responds)}
    async with FakeLambda(**functions) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        answer = json.loads(await ask(gateway.url(), "x"))
    assert message == answer["message"]
    assert {"message", "connectionId", "requestId"} == answer.keys()


async def test_a_route_without_an_integration_is_an_error_message() -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({"$default": Route(None)})) as gateway:
        assert json.loads(await ask(gateway.url(), "x"))["message"] == "Internal server error"


async def test_a_base64_body_goes_out_decoded() -> None:
    answer = {"statusCode": 200, "body": "aMO2cmU=", "isBase64Encoded": True}
    routes = {"$default": Route(target("work"), responds=True)}
    async with FakeLambda(work=lambda _: answer) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        assert await ask(gateway.url(), "x") == "höre"


async def test_a_large_answer_goes_in_frames_of_at_most_32_kb() -> None:
    routes = {"$default": Route(target("work"), responds=True)}
    lambdas = FakeLambda(work=lambda _: {"statusCode": 200, "body": "x" * 100_000})
    async with lambdas, running_gateway(lambdas, stage(routes)) as gateway, await connect(gateway.url()) as client:
        await client.send(b"x")
        frames = [await client.receive() for _ in range(4)]
    assert [len(frame.payload) for frame in frames if frame] == [32768, 32768, 32768, 100_000 - 3 * 32768]
    assert [(frame.fin, frame.opcode) for frame in frames if frame] == [(False, 1), (False, 0), (False, 0), (True, 0)]


async def test_a_message_in_fragments_arrives_whole() -> None:
    routes = {"$default": Route(target("echo"), responds=True)}
    async with (
        FakeLambda(echo=echo) as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        await connect(gateway.url()) as client,
    ):
        await client.send(b"one ", fin=False)
        await client.send(b"and two", 0)
        answer = await client.receive()
    assert answer is not None
    assert answer.payload == b"one and two"


async def test_the_messages_of_a_connection_are_served_a_few_at_a_time_and_none_is_lost() -> None:
    running, most = 0, 0

    async def work(event: dict[str, Any]) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return {"statusCode": 200, "body": event["body"]}

    routes = {"$default": Route(target("work"), responds=True)}
    async with (
        FakeLambda(work=work) as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        aiohttp.ClientSession() as session,
        session.ws_connect(gateway.url()) as client,
    ):
        for number in range(200):
            await client.send_str(str(number))
        answers = {await client.receive_str(timeout=10) for _ in range(200)}
    assert {str(number) for number in range(200)} == answers
    assert 1 < most <= 8


async def test_functions_run_at_most_so_many_at_a_time() -> None:
    running, most = 0, 0

    async def work(_event: dict[str, Any]) -> dict[str, Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return {"statusCode": 200}

    routes = {"$connect": Route(target("work"))}
    async with FakeLambda(work=work) as lambdas, running_gateway(lambdas, stage(routes), concurrency=3) as gateway:
        clients = await asyncio.gather(*(connect(gateway.url()) for _ in range(12)))
        assert len(clients) == 12
    assert most == 3


# --- the end of a connection


async def disconnect_event(gateway_routes: dict[str, Route], lambdas: FakeLambda, *messages: tuple[bytes, int]) -> Any:
    async with lambdas, running_gateway(lambdas, stage(gateway_routes)) as gateway:
        async with await connect(gateway.url()) as client:
            await gateway.until_connections(1)
            for payload, opcode in messages:
                await client.send(payload, opcode)
            if messages:
                await client.receive()
        await until(lambda: lambdas.events("DISCONNECT"))
        [event] = lambdas.events("DISCONNECT")
        return event


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        ([((1000).to_bytes(2), 8)], 1000, ""),
        ([((4001).to_bytes(2) + b"bye", 8)], 4001, "bye"),
        ([(b"", 8)], 1005, "Client-side close frame status not set"),
        ([], 1006, "Connection closed abnormally"),
        ([(b"x", 2)], 1003, "binary messages are not supported"),
    ],
)
async def test_the_disconnect_event_says_how_it_ended(
    messages: list[tuple[bytes, int]], code: int, reason: str
) -> None:
    event = await disconnect_event({"$disconnect": Route(target("leave"))}, FakeLambda(leave=ok), *messages)
    context = event["requestContext"]
    assert (code, reason) == (context["disconnectStatusCode"], context["disconnectReason"])
    assert (context["routeKey"], context["eventType"]) == ("$disconnect", "DISCONNECT")
    assert {"Host", "x-api-key", "X-Forwarded-For", "x-restapi"} == event["headers"].keys()


async def test_a_close_frame_is_answered_with_its_code() -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({})) as gateway,
        await connect(gateway.url()) as client,
    ):
        await client.send((4001).to_bytes(2) + b"bye", 8)
        answer = await client.receive()
        assert answer is not None
        assert answer.close_code == 4001
        assert await client.receive() is None
