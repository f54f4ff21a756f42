"""A stranger's chat, deployed through CloudFormation, with several people in it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from websocket_support.localstack import LocalStack
from websocket_support.polling import until

CHAT = Path(__file__).parent / "chat"
SECRET = "between friends"


@pytest.fixture(scope="module")
def outputs(localstack: LocalStack) -> dict[str, str]:
    localstack.upload_code("chat-code", "chat.zip", CHAT / "functions")
    template = (CHAT / "template.yaml").read_text()
    return localstack.deploy("chat", template, CodeBucket="chat-code", CodeKey="chat.zip", Secret=SECRET)


class Person:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def do(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def hear(self) -> Any:
        return json.loads(await self.socket.receive_str(timeout=20))


def query(user: str, room: str, key: str | None = None) -> str:
    right = hmac.digest(SECRET.encode(), user.encode(), hashlib.sha256).hex()
    return urlencode({"user": user, "room": room, "key": right if key is None else key})


@asynccontextmanager
async def person(outputs: dict[str, str], user: str, room: str) -> AsyncIterator[Person]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{outputs['Url']}?{query(user, room)}") as socket,
    ):
        yield Person(socket)


async def refusal(outputs: dict[str, str], query_string: str) -> int:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{outputs['Url']}?{query_string}")
        return caught.value.status


async def test_everyone_in_a_room_hears_what_is_said_there(outputs: dict[str, str]) -> None:
    async with (
        person(outputs, "ann", "blue") as ann,
        person(outputs, "bob", "blue") as bob,
        person(outputs, "cid", "red") as cid,
    ):
        assert await ann.hear() == {"joined": "bob"}
        await ann.do(action="say", text="höre")
        await cid.do(action="say", text="alone")
        said = {"from": "ann", "text": "höre"}
        assert [said, said] == [await ann.hear(), await bob.hear()]
        assert await cid.hear() == {"from": "cid", "text": "alone"}
        # No answer of the route `say` came between.
        await bob.do(action="who")
        assert await bob.hear() == {"here": ["ann", "bob"]}


async def test_an_action_that_nobody_knows_goes_to_the_default_route(outputs: dict[str, str]) -> None:
    async with person(outputs, "dan", "green") as dan:
        await dan.socket.send_str("hello?")
        assert await dan.hear() == {"error": "what is hello??"}


async def test_the_others_hear_who_left_and_how(outputs: dict[str, str]) -> None:
    async with person(outputs, "eve", "grey") as eve:
        async with person(outputs, "fay", "grey") as fay:
            assert await eve.hear() == {"joined": "fay"}
            await fay.socket.close(code=4000)
        assert await eve.hear() == {"left": "fay", "code": 4000}


@pytest.mark.parametrize(
    ("query_string", "status"),
    [
        ("", 401),
        ("user=ann", 401),
        (query("nobody", "blue"), 401),
        (query("ann", "blue", key="guessed"), 403),
        (query("ann", "full"), 409),
    ],
)
async def test_who_may_not_come_in_is_told_so(outputs: dict[str, str], query_string: str, status: int) -> None:
    assert status == await refusal(outputs, query_string)


async def test_a_dozen_people_all_hear_each_other(outputs: dict[str, str]) -> None:
    texts = {str(number) for number in range(12)}
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        crowd = [await stack.enter_async_context(person(outputs, f"p{text}", "crowd")) for text in sorted(texts)]
        for text, one in zip(texts, crowd, strict=True):
            await one.do(action="say", text=text)
        for one in crowd:
            heard: set[str | None] = set()
            while not texts <= heard:
                heard.add((await one.hear()).get("text"))


async def test_the_rooms_are_empty_when_all_have_left(outputs: dict[str, str], localstack: LocalStack) -> None:
    s3 = localstack.client("s3")
    await until(lambda: s3.list_objects_v2(Bucket=outputs["Rooms"])["KeyCount"] == 0, timeout_s=30)
