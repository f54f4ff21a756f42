"""Every route with every kind of token, through the authorizer and the functions, answers as docs/auth.md has it."""

import json
import time
from collections.abc import Iterator

import boto3
import pytest
import redis
from moto import mock_aws

from access_table import ANSWERS, EXPIRED, REST, ROUTES, SOCKET, TOKENS, VALID, shortened
from adapters.checkpoints import Checkpoints
from adapters.jws import SharedSecret
from adapters.live_state import LiveState
from adapters.ping_stream import PingStream
from adapters.publisher import Publisher
from adapters.queues import Queue
from adapters.registry import Registry
from adapters.tokens import Tokens
from authorize import app as authorize
from connections import app as connections
from connections.viewers import Viewers
from described import from_server
from described_rest import problems
from factories import a_ping, a_record
from fakes.api_gateway import FakeGateway, HandshakeRefused
from fakes.queue import FakeQueue
from heatmap.claims import LEEWAY_S, Expected
from heatmap.records import decode
from heatmap.register import merged
from ingest import app as ingest
from minting import BAD_TOKENS, SECRET, a_token
from query import app as query
from query import health
from query.reads import Reads

HANDLERS = {
    "POST /pings": ingest,
    "GET /heatmap": query,
    "GET /stats": query,
    "GET /cities": query,
    "DELETE /drivers/{driver_id}": query,
    "GET /health": query,
    "$connect": connections,
    "subscribe": connections,
    "unsubscribe": connections,
    "hello": connections,
    "$default": connections,
    "ping": ingest,
    "pings": ingest,
}


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def gateway(state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    with mock_aws():
        kinesis, sqs = boto3.client("kinesis"), boto3.client("sqs")
        kinesis.create_stream(StreamName="pings", ShardCount=1)
        failures = Queue(sqs, sqs.create_queue(QueueName="failures")["QueueUrl"])
        stream = PingStream(kinesis, "pings")
        viewers = Viewers(state, Publisher(state, 3), Registry(client), FakeQueue(), clock=milliseconds)
        monkeypatch.setattr(authorize, "tokens", lambda: tokens(time.time()))
        monkeypatch.setattr(ingest, "stream", lambda: stream)
        reads = Reads(state, 3, milliseconds)
        parts = health.parts(state, Checkpoints(client), stream, failures, 15_000)
        monkeypatch.setattr(query, "reads", lambda: reads)
        monkeypatch.setattr(query, "parts", lambda: parts)
        monkeypatch.setattr(connections, "viewers", lambda: viewers)
        query.health_of.cache_clear()
        now = milliseconds()
        for position in ((6.52, 3.38), (51.5, 0.0)):
            state.apply(merged([decode(a_record(a_ping(str(position), now, position)))]), now)
        routes = {name: app.lambda_handler for name, app in HANDLERS.items()}
        yield FakeGateway(authorize.lambda_handler, routes, frozenset({"GET /health"}))


def tokens(now: float) -> Tokens:
    return Tokens(SharedSecret(SECRET), Expected("fleetglow", "fleetglow"), clock=lambda: now)


@pytest.fixture
def an_authorizer_of_the_past(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looked at tokens before they expired; since then its answers are remembered."""
    monkeypatch.setattr(authorize, "tokens", lambda: tokens(time.time() - LEEWAY_S - 1))


@pytest.mark.parametrize("kind", TOKENS)
def test_rest_answers_as_the_page_says(gateway: FakeGateway, kind: str):
    token = TOKENS[kind](SECRET)

    answers = {name: gateway.call(token, *call) for name, call in REST.items()}

    assert {name: ANSWERS[kind][name] for name in REST} == {name: str(status) for name, (status, _) in answers.items()}
    assert [] == [
        problem
        for name, (status, answer) in answers.items()
        for problem in problems(REST[name].method, REST[name].path, status, answer)
    ]


@pytest.mark.parametrize("kind", VALID)
def test_the_socket_answers_as_the_page_says(gateway: FakeGateway, kind: str):
    connection = gateway.connect(TOKENS[kind](SECRET))

    answers = {name: connection.send(message) for name, message in SOCKET.items()}

    assert {name: ANSWERS[kind][name] for name in SOCKET} == {name: shortened(each) for name, each in answers.items()}
    assert from_server(*[json.dumps(each) for each in answers.values()])


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_opens_no_socket(gateway: FakeGateway, kind: str):
    with pytest.raises(HandshakeRefused, match="401"):
        gateway.connect(TOKENS[kind](SECRET))


@pytest.mark.usefixtures("an_authorizer_of_the_past")
def test_a_token_that_has_expired_since_it_was_looked_at_gets_nothing(gateway: FakeGateway):
    token = a_token(exp=int(time.time()) - LEEWAY_S, iat=...)
    connection = gateway.connect(token)

    calls = {name: gateway.call(token, *call) for name, call in REST.items()}
    messages = {name: connection.send(message) for name, message in SOCKET.items()}

    statuses = [str(status) for status, _ in calls.values()]
    assert EXPIRED.split() == statuses + [shortened(each) for each in messages.values()]
    assert {"expired"} == {answer["code"] for status, answer in calls.values() if status == 401}


def test_cities_that_a_token_is_not_for_are_not_told_of(gateway: FakeGateway):
    # With `drivers:read`, since of a single driver others hear nothing at all.
    token = a_token(SECRET, cities=["london"], scope="heatmap:read drivers:read")

    _, listed = gateway.call(token, "GET", "/cities")
    _, stats = gateway.call(token, "GET", "/stats")
    hello = gateway.connect(token).send({"action": "hello"})

    assert ["london"] == [city["name"] for city in listed["cities"]]
    assert ["london"] == [city["name"] for city in hello["cities"]]
    assert (["london"], 1) == (list(stats["cities"]), stats["drivers"])


def test_nobody_hears_of_the_routes_that_the_table_leaves_out():
    assert {*ROUTES, "$connect"} == set(HANDLERS)
