"""@connections, as boto3 and others call it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import boto3
import pytest
from botocore.exceptions import ClientError
from websocket_support.gateway import RunningGateway, running_gateway, stage, target
from websocket_support.lambdas import FakeLambda, ok
from websocket_support.rawclient import RawClient, connect
from yarl import URL

from localstack_dockerless.websocket.routing import Route


class Connected:
    """A client, its connection's id, and boto3's client for its API."""

    def __init__(self, gateway: RunningGateway, client: RawClient, connection_id: str) -> None:
        self.gateway, self.client, self.connection_id = gateway, client, connection_id
        self.url = f"{gateway.management_url()}/@connections/{connection_id}"
        self.boto3 = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=gateway.management_url(),
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    async def call(self, operation: str, **parameters: Any) -> Any:
        """An operation of boto3 on this connection."""
        parameters = {"ConnectionId": self.connection_id, **parameters}
        return await asyncio.to_thread(getattr(self.boto3, operation), **parameters)

    async def error_of(self, operation: str, **parameters: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as caught:
            await self.call(operation, **parameters)
        return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
async def connected() -> AsyncIterator[Connected]:
    stages = [stage({"$connect": Route(target("join"))}), stage({}, name="other")]
    async with (
        FakeLambda(join=ok) as lambdas,
        running_gateway(lambdas, *stages) as gateway,
        await connect(gateway.url(), {"User-Agent": "test"}) as client,
    ):
        yield Connected(gateway, client, lambdas.calls[0][1]["requestContext"]["connectionId"])


async def test_a_post_reaches_the_client_as_a_text_message(connected: Connected) -> None:
    await connected.call("post_to_connection", Data="höre".encode())
    frame = await connected.client.receive()
    assert frame is not None
    assert (frame.fin, frame.opcode, frame.payload.decode()) == (True, 1, "höre")


async def test_posts_arrive_in_their_order(connected: Connected) -> None:
    for number in range(50):
        await connected.call("post_to_connection", Data=str(number).encode())
    frames = [await connected.client.receive() for _ in range(50)]
    assert [str(number).encode() for number in range(50)] == [frame.payload for frame in frames if frame]


async def test_a_post_of_128_kb_goes_in_four_frames_and_more_is_too_large(connected: Connected) -> None:
    await connected.call("post_to_connection", Data=b"x" * 131072)
    frames = [await connected.client.receive() for _ in range(4)]
    assert [len(frame.payload) for frame in frames if frame] == [32768] * 4
    assert await connected.error_of("post_to_connection", Data=b"x" * 131073) == ("PayloadTooLargeException", 413)
    assert await connected.error_of("post_to_connection", Data=b"x" * 3_000_000) == ("PayloadTooLargeException", 413)


async def test_a_post_that_is_no_text_is_refused(connected: Connected, http: aiohttp.ClientSession) -> None:
    async with http.post(connected.url, data=b"\xff") as response:
        assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "BadRequestException")


@pytest.mark.parametrize("connection_id", ["nobody", "L0SM9cOFvHcCIhw=", "a/b+c=", "höre"])
@pytest.mark.parametrize("operation", ["post_to_connection", "get_connection", "delete_connection"])
async def test_a_connection_that_is_not_there_is_gone(connected: Connected, operation: str, connection_id: str) -> None:
    more = {"Data": b"x"} if operation == "post_to_connection" else {}
    assert await connected.error_of(operation, ConnectionId=connection_id, **more) == ("GoneException", 410)


async def test_a_client_that_left_is_gone(connected: Connected) -> None:
    connected.client.writer.close()
    await connected.gateway.until_connections(0)
    assert await connected.error_of("post_to_connection", Data=b"x") == ("GoneException", 410)


async def test_a_connection_belongs_to_one_stage(connected: Connected, http: aiohttp.ClientSession) -> None:
    async with http.post(connected.url.replace("/live/", "/other/"), data=b"x") as response:
        assert response.status == 410


async def test_a_connection_is_described(connected: Connected) -> None:
    described = await connected.call("get_connection")
    assert described["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "test"}
    before = described["LastActiveAt"]
    assert described["ConnectedAt"] <= before <= datetime.now(UTC)
    await connected.client.send(b"x")
    await connected.client.receive()
    assert (await connected.call("get_connection"))["LastActiveAt"] > before


async def test_times_are_rfc_3339(connected: Connected, http: aiohttp.ClientSession) -> None:
    async with http.get(connected.url) as response:
        content = await response.json()
    assert {"connectedAt", "lastActiveAt", "identity"} == content.keys()
    assert content["connectedAt"].endswith("Z")
    assert datetime.fromisoformat(content["connectedAt"]).tzinfo == UTC


async def test_a_delete_closes_the_connection(connected: Connected) -> None:
    await connected.call("delete_connection")
    frame = await connected.client.receive()
    assert frame is not None
    assert frame.close_code == 1000
    assert await connected.error_of("delete_connection") == ("GoneException", 410)


async def test_the_path_may_be_percent_encoded(connected: Connected, http: aiohttp.ClientSession) -> None:
    encoded = "/".join(quote(part, safe="") for part in ("api", "live", "@connections", connected.connection_id))
    address = f"http://{connected.gateway.address}/{encoded}"
    async with http.post(URL(address, encoded=True), data=b"x") as response:
        assert response.status == 200


async def test_other_methods_and_paths_are_refused(connected: Connected, http: aiohttp.ClientSession) -> None:
    async with http.put(connected.url, data=b"x") as response:
        assert response.status == 405
    async with http.get(connected.gateway.management_url()) as response:
        assert (response.status, response.headers["x-amzn-ErrorType"]) == (403, "ForbiddenException")


async def test_nobody_can_be_posted_to_before_the_connect_route_has_answered() -> None:
    posted: list[int] = []

    async def join(event: dict[str, Any]) -> dict[str, Any]:
        context = event["requestContext"]
        url = f"http://{context['domainName']}/{context['stage']}/@connections/{context['connectionId']}"
        async with aiohttp.ClientSession() as session, session.post(url, data=b"x") as response:
            posted.append(response.status)
        return {"statusCode": 200}

    routes = {"$connect": Route(target("join"))}
    async with (
        FakeLambda(join=join) as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        await connect(gateway.url()),
    ):
        pass
    assert posted == [410]
