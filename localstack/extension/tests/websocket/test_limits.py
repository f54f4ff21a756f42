"""The quotas of API Gateway, and that nobody can fill the gateway's memory."""

import asyncio
import time

import aiohttp
import pytest
from websocket_support.gateway import gateway_process, running_gateway, stage, target
from websocket_support.lambdas import FakeLambda, echo, ok
from websocket_support.polling import until
from websocket_support.rawclient import Frame, RawClient, connect, shake_hands

from localstack_dockerless.websocket.routing import Route


async def closed_with(client: RawClient) -> int:
    frame = await asyncio.wait_for(client.receive(), 10)
    assert frame is not None
    return frame.close_code


async def test_a_frame_over_32_kb_closes_with_1009() -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({})) as gateway,
        await connect(gateway.url()) as client,
    ):
        await client.send(b"x" * 32769)
        assert await closed_with(client) == 1009


async def test_a_client_that_still_sends_sees_why_it_was_closed(http: aiohttp.ClientSession) -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({})) as gateway,
        http.ws_connect(gateway.url()) as client,
    ):
        await client.send_str("x" * 1_000_000)
        await client.receive(timeout=10)
        assert client.close_code == 1009


async def test_a_message_over_128_kb_closes_with_1009() -> None:
    routes = {"$default": Route(target("echo"), responds=True)}
    async with (
        FakeLambda(echo=echo) as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        await connect(gateway.url()) as client,
    ):
        for number in range(4):
            await client.send(b"x" * 32768, 0 if number else 1, fin=number == 3)
        received = 0
        while received < 131072:
            frame = await client.receive()
            assert frame is not None
            received += len(frame.payload)
        for number in range(5):
            await client.send(b"x" * 26500, 0 if number else 1, fin=number == 4)
        assert await closed_with(client) == 1009


@pytest.mark.parametrize(
    ("payload", "opcode", "masked", "code"),
    [(b"x", 2, True, 1003), (b"\xff", 1, True, 1007), (b"x", 1, False, 1002), (b"x", 0, True, 1002)],
)
async def test_what_the_protocol_forbids_closes_with_its_code(
    payload: bytes, opcode: int, masked: bool, code: int
) -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({})) as gateway,
        await connect(gateway.url()) as client,
    ):
        await client.send(payload, opcode, masked=masked)
        assert code == await closed_with(client)
        await gateway.until_connections(0)


async def test_more_new_connections_than_a_second_allows_are_refused_with_429_and_the_next_second_allows_more() -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({}), connects_per_s=5) as gateway:
        clients = [await shake_hands(gateway.url()) for _ in range(10)]
        statuses = [client.answer.status for client in clients]
        assert statuses[:5] == [101] * 5
        refused = [client.answer for client in clients if client.answer.status != 101]
        assert refused
        assert (
            refused[-1].status,
            refused[-1].json()["message"],
            refused[-1].headers["x-amzn-errortype"],
        ) == (429, "Too Many Requests", "LimitExceededException")

        async def welcome() -> bool:
            client = await shake_hands(gateway.url())
            client.writer.transport.abort()
            return client.answer.status == 101

        await until(welcome)
        for client in clients:
            client.writer.transport.abort()


async def test_an_idle_connection_is_closed_with_1001_and_its_route_is_told() -> None:
    routes = {"$disconnect": Route(target("leave"))}
    async with (
        FakeLambda(leave=ok) as lambdas,
        running_gateway(lambdas, stage(routes), idle_s=0.5) as gateway,
        await connect(gateway.url()) as client,
    ):
        started = time.monotonic()
        assert await closed_with(client) == 1001
        assert time.monotonic() - started >= 0.45
        await until(lambda: lambdas.events("DISCONNECT"))
    context = lambdas.events("DISCONNECT")[0]["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "Going away")


async def test_pings_are_answered_and_keep_a_connection_alive() -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({}), idle_s=0.6) as gateway,
        await connect(gateway.url()) as client,
    ):
        started = time.monotonic()
        while time.monotonic() - started < 1.5:
            await client.send(b"beat", 9)
            answer = await client.receive()
            assert answer is not None
            assert (answer.opcode, answer.payload) == (10, b"beat")
            await asyncio.sleep(0.1)
        assert await closed_with(client) == 1001


async def test_nobody_stays_longer_than_the_lifetime() -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({}), lifetime_s=0.8) as gateway,
        await connect(gateway.url()) as client,
    ):
        started, frame = time.monotonic(), Frame(fin=True, opcode=10, payload=b"")
        while frame.opcode == 10:
            await client.send(b"", 9)
            received = await client.receive()
            assert received is not None
            frame = received
            await asyncio.sleep(0.02)
        assert frame.close_code == 1001
        assert time.monotonic() - started >= 0.7


async def test_the_gateway_says_goodbye_when_localstack_ends() -> None:
    async with FakeLambda() as lambdas, gateway_process(lambdas, stage({})) as gateway:
        async with await connect(gateway.url()) as client:
            await gateway.until_connections(1)
            gateway.end_input()
            assert await closed_with(client) == 1001
        await until(lambda: gateway.process.poll() is not None)


async def test_a_client_that_does_not_read_is_refused_posts_and_then_closed(http: aiohttp.ClientSession) -> None:
    routes = {"$disconnect": Route(target("leave")), "$connect": Route(target("leave"))}
    settings = {"WEBSOCKET_SEND_BUFFER_BYTES": "200000", "WEBSOCKET_STALLED_SECONDS": "1"}
    async with (
        FakeLambda(leave=ok) as lambdas,
        gateway_process(lambdas, stage(routes), **settings) as gateway,
        await connect(gateway.url()),
    ):
        connection_id = lambdas.calls[0][1]["requestContext"]["connectionId"]
        url = f"{gateway.management_url()}/@connections/{connection_id}"
        before, status, posts = gateway.resident_mb(), 200, 0
        while status == 200:
            async with http.post(url, data=b"x" * 100_000) as response:
                status, error_type = response.status, response.headers.get("x-amzn-ErrorType")
            posts += 1
            assert posts < 1000
        assert (status, error_type) == (429, "LimitExceededException")
        assert gateway.resident_mb() - before < 20
        await gateway.until_connections(0)
        await until(lambda: lambdas.events("DISCONNECT"))


async def test_a_client_that_asks_and_does_not_read_the_answers_is_closed() -> None:
    routes = {"$default": Route(target("work"), responds=True)}
    lambdas = FakeLambda(work=lambda _: {"statusCode": 200, "body": "x" * 100_000})
    async with (
        lambdas,
        running_gateway(lambdas, stage(routes), send_buffer_bytes=200_000) as gateway,
        await connect(gateway.url()) as client,
    ):
        await gateway.until_connections(1)
        for _ in range(500):
            await client.send(b"more")
        await gateway.until_connections(0)
