"""How many connections somebody may have at once, as the WebSocket's routes keep to it on a real registry."""

from typing import Any

import pytest
import redis

from adapters.live_state import LiveState
from adapters.publisher import Publisher
from adapters.registry import Registry
from connections import app
from connections.viewers import Viewers
from factories import NOW, LambdaContext, a_socket_event, an_sqs_event
from fakes.queue import FakeQueue


@pytest.fixture(autouse=True)
def one_connection(state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    viewers = Viewers(state, Publisher(state, 3), Registry(client), FakeQueue(), clock=lambda: NOW)
    monkeypatch.setattr(app, "viewers", lambda: viewers)
    connect("connection-1")


def connect(connection: str) -> dict[str, Any]:
    answer: dict[str, Any] = app.lambda_handler(a_socket_event("$connect", connection_id=connection), LambdaContext())
    return answer


def test_who_has_as_many_connections_as_they_may_is_told_so_at_the_handshake(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAX_CONNECTIONS_PER_PRINCIPAL", "2")
    assert 200 == connect("connection-2")["statusCode"]

    refused = connect("connection-3")

    assert {"statusCode": 429, "body": "sub: expected at most 2 connections at once, got one more"} == refused
    assert 2 == Registry(client).count()


@pytest.mark.parametrize("goes", [a_socket_event("$disconnect"), an_sqs_event("connection-1")])
def test_whoever_leaves_or_is_found_gone_makes_room(goes: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAX_CONNECTIONS_PER_PRINCIPAL", "1")
    assert 429 == connect("connection-2")["statusCode"]

    app.lambda_handler(goes, LambdaContext())

    assert 200 == connect("connection-2")["statusCode"]
