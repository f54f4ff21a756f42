"""The WebSocket's routes on a real registry and a real state."""

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import redis

from adapters.live_state import LiveState
from adapters.publisher import Publisher
from adapters.registry import MAX_SUBSCRIPTIONS, Registry
from connections import app
from connections.app import ROUTES
from connections.viewers import Viewers
from factories import LAGOS, NOW, LambdaContext, a_ping, a_record, a_socket_event, an_sqs_event
from fakes.queue import FakeQueue
from heatmap.cells import cell_of
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.packed import packed_tile
from heatmap.records import decode
from heatmap.register import merged
from heatmap.viewports import viewport

CELL = cell_of(*LAGOS, 7)
SUBSCRIBE = {"action": "subscribe", "city": "lagos", "precision": 7}
WHOLE_LAGOS = viewport("lagos", 7, None, cities(), (4, 5, 6, 7, 8))


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture(autouse=True)
def viewers(state: LiveState, client: redis.Redis, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> Viewers:
    viewers = Viewers(state, Publisher(state, 3), Registry(client), queue, clock=lambda: NOW)
    monkeypatch.setattr(app, "viewers", lambda: viewers)
    app.lambda_handler(a_socket_event("$connect"), LambdaContext())
    return viewers


@pytest.fixture(autouse=True)
def a_driver(state: LiveState) -> None:
    state.apply(merged([decode(a_record(a_ping()))]), NOW)


def send(
    message: object,
    route: str = "subscribe",
    scope: str = "heatmap:read drivers:read",
    connection: str = "connection-1",
) -> dict[str, Any]:
    event = a_socket_event(route, message, scope=scope, connection_id=connection)
    answer = app.lambda_handler(event, LambdaContext())
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def test_a_subscriber_gets_a_snapshot(queue: FakeQueue):
    ack = send(SUBSCRIBE)

    [snapshot] = queue.take_messages("connection-1")
    assert ("ack", WHOLE_LAGOS.subscription) == (ack["type"], ack["subscription"])
    assert ("snapshot", {CELL[:5]: {CELL[5:]: 1}}) == (snapshot["type"], snapshot["tiles"])
    assert (ack["epoch"], ack["rev"]) == (snapshot["epoch"], snapshot["rev"])


@pytest.mark.parametrize(("scope", "least"), [("heatmap:read", 3), ("heatmap:read drivers:read", 1), ("admin", 1)])
def test_a_subscriber_is_told_the_least_count_that_the_token_is_shown(scope: str, least: int):
    ack = send(SUBSCRIBE, scope=scope)

    assert least == ack["min_cell_drivers"]


def test_a_box_is_a_part_of_the_city(queue: FakeQueue):
    send(SUBSCRIBE | {"bbox": [6.58, 3.33, 6.62, 3.37]})

    [snapshot] = queue.take_messages("connection-1")
    assert {} == snapshot["tiles"]


def test_a_viewer_that_was_away_gets_only_what_changed(queue: FakeQueue, state: LiveState):
    ack = send(SUBSCRIBE)
    queue.take_messages("connection-1")
    state.apply(merged([decode(a_record(a_ping("driver-2")))]), NOW)

    send(SUBSCRIBE | {"since": {"epoch": ack["epoch"], "rev": ack["rev"]}})

    [delta] = queue.take_messages("connection-1")
    assert ("delta", {CELL[:5]: {CELL[5:]: 2}}, ack["rev"]) == (delta["type"], delta["tiles"], delta["prev"])


def test_a_viewer_that_missed_nothing_gets_a_delta_of_nothing(queue: FakeQueue):
    ack = send(SUBSCRIBE)
    queue.take_messages("connection-1")

    send(SUBSCRIBE | {"since": {"epoch": ack["epoch"], "rev": ack["rev"]}})

    [delta] = queue.take_messages("connection-1")
    assert ("delta", {}, ack["rev"]) == (delta["type"], delta["tiles"], delta["prev"])


def test_a_later_snapshot_shows_what_has_changed_meanwhile(queue: FakeQueue, state: LiveState):
    send(SUBSCRIBE)
    state.apply(merged([decode(a_record(a_ping(sampled_at=NOW + 1, position=(6.60, 3.35)), a_ping("driver-2")))]), NOW)

    send(SUBSCRIBE, connection="connection-2")

    [snapshot] = queue.take_messages("connection-2")
    elsewhere = cell_of(6.60, 3.35, 7)
    assert {CELL[:5]: {CELL[5:]: 1}, elsewhere[:5]: {elsewhere[5:]: 1}} == snapshot["tiles"]


def test_who_asks_for_deflate_gets_packed_tiles(queue: FakeQueue):
    send(SUBSCRIBE | {"encoding": "deflate"})

    [snapshot] = queue.take_messages("connection-1")
    record = zlib.decompress(base64.b64decode(snapshot["packed"]), wbits=-15)
    assert packed_tile(CELL[:5], {CELL[5:]: 1}) == record
    assert "tiles" not in snapshot


def test_a_viewer_of_another_epoch_gets_a_snapshot(queue: FakeQueue):
    send(SUBSCRIBE | {"since": {"epoch": "another", "rev": 1}})

    assert ["snapshot"] == [message["type"] for message in queue.take_messages("connection-1")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"city": None}, "unknown_city"),
        ({"city": "atlantis"}, "unknown_city"),
        ({"precision": 9}, "unknown_precision"),
        ({"precision": "7"}, "unknown_precision"),
        ({"bbox": "all"}, "invalid"),
        ({"bbox": [7, 3, 6, 4]}, "invalid"),
        ({"bbox": [6, 179, 7, -179]}, "invalid"),
        ({"bbox": [-10, -10, 10, 10]}, "too_large"),
        ({"bbox": [51.4, -0.2, 51.6, 0.1]}, "outside_city"),
        ({"bbox": [1e999, 3, 6, 4]}, "out_of_range"),
        ({"since": 5}, "invalid"),
        ({"since": {"epoch": 1, "rev": 1}}, "invalid"),
        ({"since": {"epoch": "e", "rev": -1}}, "invalid"),
        ({"since": {"epoch": "e", "rev": True}}, "invalid"),
        ({"since": {"epoch": "e", "rev": 1, "more": 1}}, "invalid"),
        ({"encoding": "gzip"}, "unknown_encoding"),
        ({"encoding": []}, "unknown_encoding"),
        ({"id": 5}, "invalid"),
        ({"id": "x" * 65}, "invalid"),
        ({"presicion": 7}, "unknown_field"),
        ({"connection_id": "connection-2"}, "unknown_field"),
    ],
)
def test_a_subscription_that_makes_no_sense_is_an_error_and_subscribes_nothing(
    queue: FakeQueue, client: redis.Redis, change: dict[str, Any], code: str
):
    answer = send(json.dumps(SUBSCRIBE | change).replace("Infinity", "1e300"))

    assert ("error", "subscribe", code) == (answer["type"], answer["action"], answer["code"])
    assert [] == queue.bodies + Registry(client).viewports("connection-1")


@pytest.mark.parametrize("text", ["", "not json", "[]", "null", "5", "\ud800", "[" * 30_000])
def test_a_message_that_is_no_object_is_an_error(text: str):
    assert "error" == send(text, route="$default")["type"]


def test_an_unknown_action_is_answered_with_those_that_exist():
    answer = send({"action": "dance"}, route="$default")

    assert ("unknown_action", True) == (answer["code"], "one of subscribe, unsubscribe, hello" in answer["message"])


def test_a_token_without_the_scope_watches_nothing(queue: FakeQueue):
    assert "forbidden" == send(SUBSCRIBE, scope="pings:write")["code"]
    assert [] == queue.bodies


def test_subscriptions_are_bounded():
    def subscribe(n: int) -> str:
        south, west = 6.36 + n % 5 * 0.08, 3.11 + n // 5 * 0.08
        return str(send(SUBSCRIBE | {"bbox": [south, west, south + 0.01, west + 0.01]})["type"])

    assert ["ack"] * MAX_SUBSCRIPTIONS + ["error"] == [subscribe(n) for n in range(MAX_SUBSCRIPTIONS + 1)]


def test_one_subscription_too_many_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("adapters.registry.MAX_SUBSCRIPTIONS", 0)

    assert "too_many_subscriptions" == send(SUBSCRIBE)["code"]


@pytest.mark.parametrize("action", ["hello", "subscribe", "dance"])
def test_an_answer_carries_the_id_of_its_message(action: str):
    route = action if action in ROUTES else "$default"

    assert "mine" == send({"action": action, "id": "mine"}, route=route)["id"]


def test_of_a_subscription_that_the_connection_does_not_have_nobody_unsubscribes(state: LiveState):
    subscription = send(SUBSCRIBE, connection="connection-2")["subscription"]

    answer = send({"action": "unsubscribe", "subscription": subscription}, route="unsubscribe")

    assert ("error", "unknown_subscription") == (answer["type"], answer["code"])
    assert [{Encoding.JSON: ["connection-2"]}] == state.viewers([WHOLE_LAGOS])


def test_the_same_subscription_again_takes_no_further_place():
    answers = [send(SUBSCRIBE)["type"] for _ in range(MAX_SUBSCRIPTIONS + 2)]

    assert {"ack"} == set(answers)


def test_who_unsubscribes_is_no_longer_a_viewer(state: LiveState):
    subscription = send(SUBSCRIBE)["subscription"]

    ack = send({"action": "unsubscribe", "subscription": subscription}, route="unsubscribe")

    assert ("ack", [{}]) == (ack["type"], state.viewers([WHOLE_LAGOS]))


def test_who_disconnects_leaves_nothing_behind(state: LiveState, client: redis.Redis):
    send(SUBSCRIBE)

    app.lambda_handler(a_socket_event("$disconnect"), LambdaContext())

    assert [{}] == state.viewers([WHOLE_LAGOS])
    assert [b"closed"] == client.hkeys("connection:connection-1")
    assert 60 >= client.ttl("connection:connection-1") > 0


def test_a_connection_that_was_found_gone_leaves_nothing_behind(state: LiveState, client: redis.Redis):
    send(SUBSCRIBE)

    app.lambda_handler(an_sqs_event("connection-1", "connection-2"), LambdaContext())

    assert [{}] == state.viewers([WHOLE_LAGOS])
    assert [b"closed"] == client.hkeys("connection:connection-1")


def test_of_a_batch_of_gone_connections_only_the_one_that_cannot_be_forgotten_comes_again(
    state: LiveState, client: redis.Redis
):
    for connection in ("connection-1", "connection-3"):
        send(SUBSCRIBE, connection=connection)
    client.hset("connection:connection-2", "s:no such subscription", "")

    event = an_sqs_event("connection-1", "connection-2", "connection-3")
    answer = app.lambda_handler(event, LambdaContext())

    assert {"batchItemFailures": [{"itemIdentifier": "1"}]} == answer
    assert [{}] == state.viewers([WHOLE_LAGOS])


def meanwhile(state: LiveState, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while a `subscribe` is under way, just before the connection becomes a viewer."""
    watch = state.watch

    def interrupted(*arguments: Any) -> Any:
        happens()
        return watch(*arguments)

    monkeypatch.setattr(state, "watch", interrupted)


def test_a_disconnect_in_the_middle_of_a_subscribe_leaves_nobody_watching(
    state: LiveState, viewers: Viewers, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
):
    meanwhile(state, monkeypatch, lambda: viewers.disconnect("connection-1"))

    send(SUBSCRIBE)

    assert [{}] == state.viewers([WHOLE_LAGOS])
    assert [] == queue.bodies


def test_an_unsubscribe_in_the_middle_of_a_subscribe_leaves_nobody_watching(
    state: LiveState, viewers: Viewers, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    meanwhile(state, monkeypatch, lambda: viewers.unsubscribe("connection-1", WHOLE_LAGOS))

    send(SUBSCRIBE)

    assert [{}] == state.viewers([WHOLE_LAGOS])
    assert [] == Registry(client).viewports("connection-1")


def test_who_has_disconnected_subscribes_no_more(state: LiveState, client: redis.Redis):
    app.lambda_handler(a_socket_event("$disconnect"), LambdaContext())

    assert ("error", "unavailable") == (send(SUBSCRIBE)["type"], send(SUBSCRIBE)["code"])
    assert [{}] == state.viewers([WHOLE_LAGOS])
    assert [b"closed"] == client.hkeys("connection:connection-1")


def test_after_the_cache_was_lost_a_connection_that_is_still_there_subscribes_again(
    state: LiveState, client: redis.Redis
):
    send(SUBSCRIBE)
    client.flushall()

    assert "ack" == send(SUBSCRIBE)["type"]
    assert [{Encoding.JSON: ["connection-1"]}] == state.viewers([WHOLE_LAGOS])
    assert [WHOLE_LAGOS] == Registry(client).viewports("connection-1")


def test_hello_tells_what_there_is():
    answer = send({"action": "hello"}, route="hello")

    assert ("connection-1", [4, 5, 6, 7, 8]) == (answer["connection_id"], answer["precisions"])
    assert "lagos" in [city["name"] for city in answer["cities"]]


def test_a_client_that_offers_subprotocols_is_told_which_one_was_taken():
    event = a_socket_event("$connect") | {"headers": {"Sec-WebSocket-Protocol": "fleetglow, token"}}

    assert {"Sec-WebSocket-Protocol": "fleetglow"} == app.lambda_handler(event, LambdaContext())["headers"]
