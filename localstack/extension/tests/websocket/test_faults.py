"""Faults on demand: posts that are lost, refused or late, and connections that are cut."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from websocket_support.gateway import RunningGateway, running_gateway, stage, target
from websocket_support.lambdas import FakeLambda, ok
from websocket_support.polling import until
from websocket_support.rawclient import RawClient, connect

from localstack_dockerless.websocket.routing import Route

NONE: dict[str, Any] = {
    "lose_posts": 0.0,
    "refuse_posts": 0.0,
    "delay_posts_ms": [0.0, 0.0],
    "cut_connections_per_second": 0.0,
    "seed": None,
}
ZEROS = {"posts_lost": 0, "posts_refused": 0, "posts_delayed": 0, "connections_cut": 0}
ROUTES = {"$connect": Route(target("join")), "$disconnect": Route(target("leave"))}


class Saboteur:
    """Asks the gateway for faults, and posts to its clients."""

    def __init__(self, gateway: RunningGateway, lambdas: FakeLambda, http: aiohttp.ClientSession) -> None:
        self.gateway, self.lambdas, self.http = gateway, lambdas, http

    async def faults(self, method: str = "GET", wanted: object = None) -> tuple[int, Any]:
        body = None if wanted is None else json.dumps(wanted)
        async with self.http.request(method, f"http://{self.gateway.address}/_faults", data=body) as response:
            return response.status, await response.json()

    async def put(self, **wanted: object) -> None:
        status, answer = await self.faults("PUT", wanted)
        assert (200, {**NONE, **wanted}) == (status, answer["faults"])

    async def counters(self) -> dict[str, int]:
        _, answer = await self.faults()
        counters: dict[str, int] = answer["counters"]
        return counters

    async def connect(self) -> tuple[RawClient, str]:
        """A client and the URL to post to it."""
        client = await connect(self.gateway.url())
        connection_id = self.lambdas.events("CONNECT")[-1]["requestContext"]["connectionId"]
        return client, f"{self.gateway.management_url()}/@connections/{connection_id}"

    async def post(self, url: str, message: object) -> tuple[int, str | None]:
        async with self.http.post(url, data=str(message)) as response:
            return response.status, response.headers.get("x-amzn-ErrorType")

    async def numbers_that_arrive(self, count: int) -> list[int]:
        """Which of `count` posts reach a new client."""
        client, url = await self.connect()
        async with client:
            for number in range(count):
                assert await self.post(url, number) == (200, None)
            await self.faults("DELETE")
            await self.post(url, count)
            arrived: list[int] = []
            while not arrived or arrived[-1] != count:
                frame = await client.receive()
                assert frame is not None
                arrived.append(int(frame.payload))
            return arrived[:-1]


@pytest.fixture
async def saboteur(http: aiohttp.ClientSession) -> AsyncIterator[Saboteur]:
    async with FakeLambda(join=ok, leave=ok) as lambdas, running_gateway(lambdas, stage(ROUTES)) as gateway:
        yield Saboteur(gateway, lambdas, http)


async def test_without_being_asked_nothing_goes_wrong(saboteur: Saboteur) -> None:
    assert await saboteur.faults() == (200, {"faults": NONE, "counters": ZEROS})
    assert list(range(20)) == await saboteur.numbers_that_arrive(20)
    assert (await saboteur.gateway.health())["faults"] is False


async def test_a_lost_post_is_accepted_and_does_not_arrive(saboteur: Saboteur) -> None:
    await saboteur.put(lose_posts=1)
    assert await saboteur.numbers_that_arrive(5) == []
    assert await saboteur.counters() == {**ZEROS, "posts_lost": 5}


async def test_about_the_given_share_is_lost_and_the_rest_arrives_in_order(saboteur: Saboteur) -> None:
    await saboteur.put(lose_posts=0.3, seed=7)
    arrived = await saboteur.numbers_that_arrive(300)
    lost = (await saboteur.counters())["posts_lost"]
    assert sorted(arrived) == arrived
    assert 300 - len(arrived) == lost
    assert 60 < lost < 120


async def test_the_same_seed_loses_the_same_posts(saboteur: Saboteur) -> None:
    await saboteur.put(lose_posts=0.5, seed=7)
    first = await saboteur.numbers_that_arrive(40)
    await saboteur.put(lose_posts=0.5, seed=7)
    assert first == await saboteur.numbers_that_arrive(40)
    await saboteur.put(lose_posts=0.5, seed=8)
    assert first != await saboteur.numbers_that_arrive(40)


async def test_a_refused_post_is_answered_as_one_too_many(saboteur: Saboteur) -> None:
    await saboteur.put(refuse_posts=1)
    client, url = await saboteur.connect()
    async with client:
        assert await saboteur.post(url, "refused") == (429, "LimitExceededException")
        await saboteur.faults("DELETE")
        await saboteur.post(url, "welcome")
        frame = await client.receive()
        assert frame is not None
        assert frame.payload == b"welcome"
    assert await saboteur.counters() == {**ZEROS, "posts_refused": 1}


async def test_a_client_that_is_gone_is_gone_whatever_the_faults(saboteur: Saboteur) -> None:
    await saboteur.put(lose_posts=0.5, refuse_posts=0.5)
    url = f"{saboteur.gateway.management_url()}/@connections/nobody"
    assert await saboteur.post(url, "lost") == (410, "GoneException")
    assert await saboteur.counters() == ZEROS


async def test_delayed_posts_come_late_and_delay_only_themselves(saboteur: Saboteur) -> None:
    await saboteur.put(delay_posts_ms=[300, 400])
    client, url = await saboteur.connect()
    async with client:
        started = time.monotonic()
        posts = asyncio.gather(*(saboteur.post(url, number) for number in range(20)))
        await client.receive()
        first_s = time.monotonic() - started
        assert await posts == [(200, None)] * 20
        assert 0.3 <= first_s <= time.monotonic() - started < 3
    assert await saboteur.counters() == {**ZEROS, "posts_delayed": 20}


async def test_posts_on_one_connection_of_the_sender_stay_in_order_when_they_are_delayed(saboteur: Saboteur) -> None:
    await saboteur.put(delay_posts_ms=[0, 30], lose_posts=0.2, seed=3)
    client, url = await saboteur.connect()
    reader, writer = await asyncio.open_connection("127.0.0.1", saboteur.gateway.port)
    path = url.removeprefix(f"http://{saboteur.gateway.address}")
    head = f"POST {path} HTTP/1.1\r\nHost: {saboteur.gateway.address}\r\nContent-Length: 2\r\n\r\n"
    async with client:
        writer.write("".join(f"{head}{number:02}" for number in range(30)).encode())
        answers = [await reader.readuntil(b"\r\n\r\n") for _ in range(30)]
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
        lost = (await saboteur.counters())["posts_lost"]
        frames = [await client.receive() for _ in range(30 - lost)]
        arrived = [int(frame.payload) for frame in frames if frame is not None]
        assert sorted(arrived) == arrived
    writer.close()


async def test_a_connection_is_cut_without_a_close_frame_and_its_route_is_told(saboteur: Saboteur) -> None:
    clients = [(await saboteur.connect())[0] for _ in range(3)]
    await saboteur.put(cut_connections_per_second=50, seed=1)
    assert [await asyncio.wait_for(client.receive(), 10) for client in clients] == [None] * 3
    await until(lambda: len(saboteur.lambdas.events("DISCONNECT")) == 3)
    codes = [event["requestContext"]["disconnectStatusCode"] for event in saboteur.lambdas.events("DISCONNECT")]
    assert codes == [1006] * 3
    assert await saboteur.counters() == {**ZEROS, "connections_cut": 3}


async def test_when_faults_are_ended_nobody_is_cut_any_more_and_the_counters_stay(saboteur: Saboteur) -> None:
    victim, _ = await saboteur.connect()
    await saboteur.put(cut_connections_per_second=100)
    assert await asyncio.wait_for(victim.receive(), 10) is None

    status, ended = await saboteur.faults("DELETE")

    assert (status, ended["faults"], ended["counters"]["connections_cut"]) == (200, NONE, 1)
    client, url = await saboteur.connect()
    async with client:
        # A hundred times as long as to a cut.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.receive(), 1)
        assert await saboteur.post(url, "still there") == (200, None)
    assert (await saboteur.counters())["connections_cut"] == 1


async def test_new_faults_replace_all_of_the_old_ones(saboteur: Saboteur) -> None:
    await saboteur.put(lose_posts=1)
    await saboteur.numbers_that_arrive(1)
    await saboteur.put(lose_posts=1)
    await saboteur.put(delay_posts_ms=[1, 2])
    assert await saboteur.counters() == ZEROS
    assert await saboteur.numbers_that_arrive(1) == [0]
    await saboteur.put(delay_posts_ms=[1, 2])
    assert (await saboteur.gateway.health())["faults"] is True


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([], "expected a JSON object, got []"),
        ({"lose_post": 1}, "unknown: lose_post; there are lose_posts, refuse_posts, delay_posts_ms, "),
        ({"lose_posts": 1.5}, "lose_posts: expected a share from 0 to 1, got 1.5"),
        ({"refuse_posts": -1}, "refuse_posts: expected a share from 0 to 1, got -1"),
        ({"refuse_posts": True}, "refuse_posts: expected a share from 0 to 1, got true"),
        ({"lose_posts": float("nan")}, "lose_posts: expected a share from 0 to 1, got NaN"),
        ({"lose_posts": 0.7, "refuse_posts": 0.7}, "lose_posts and refuse_posts: expected no more than 1 together"),
        ({"delay_posts_ms": 5}, "delay_posts_ms: expected [shortest, longest] with 0 <= shortest <= longest <= 60000"),
        ({"delay_posts_ms": [9, 3]}, "delay_posts_ms: expected "),
        ({"delay_posts_ms": [0, 1e6]}, "delay_posts_ms: expected "),
        ({"delay_posts_ms": ["1", 2]}, "delay_posts_ms: expected [shortest, longest] with"),
        ({"cut_connections_per_second": 2000}, "cut_connections_per_second: expected 0 to 1000, got 2000"),
        ({"seed": "7"}, 'seed: expected a whole number, got "7"'),
    ],
)
async def test_what_cannot_be_is_refused_with_what_was_expected(
    saboteur: Saboteur, wanted: object, message: str
) -> None:
    await saboteur.put(lose_posts=0.5)
    status, answer = await saboteur.faults("PUT", wanted)
    assert status == 400
    assert answer["message"].startswith(message)
    assert (await saboteur.faults())[1]["faults"]["lose_posts"] == 0.5


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
async def test_what_is_no_json_is_refused(saboteur: Saboteur, body: bytes) -> None:
    async with saboteur.http.put(f"http://{saboteur.gateway.address}/_faults", data=body) as response:
        assert (response.status, await response.json()) == (400, {"message": "expected a JSON object"})


async def test_other_methods_are_named(saboteur: Saboteur) -> None:
    status, answer = await saboteur.faults("POST", {})
    assert (status, answer["message"]) == (405, "expected GET, PUT or DELETE, got POST")


async def test_an_api_of_that_name_is_not_hidden(saboteur: Saboteur) -> None:
    saboteur.gateway.set_stages(stage({}, api_id="_faults"))
    async with await connect(saboteur.gateway.url("_faults/live")) as client:
        await client.send(b"hello")
        frame = await client.receive()
        assert frame is not None
        assert json.loads(frame.payload)["message"] == "Forbidden"
