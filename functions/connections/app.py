"""The WebSocket's routes: who is connected and what they watch."""

import time
from functools import cache
from typing import Any

from adapters import settings, websocket
from adapters.live_state import LiveState
from adapters.observability import count, logger, metrics
from adapters.queues import Queue
from adapters.registry import Registry
from heatmap.access import HEATMAP_READ, principal
from heatmap.cells import bbox_from
from heatmap.cities import cities, listed
from heatmap.deliveries import Delivery, jobs
from heatmap.errors import InvalidInput, Literal
from heatmap.frames import resumed, snapshot
from heatmap.viewports import from_subscription, viewport


@cache
def state() -> LiveState:
    return LiveState.from_env()


@cache
def registry() -> Registry:
    return Registry.from_env()


@cache
def deliveries() -> Queue:
    return Queue.at(settings.deliveries_queue_url())


def connect(event: websocket.Event) -> websocket.Answer:
    context = event["requestContext"]
    registry().add(context["connectionId"], principal(context.get("authorizer") or {}))
    count("connections_opened")
    # A client that offers subprotocols, its token among them, must be told which one was taken.
    if websocket.SUBPROTOCOL in websocket.offered_subprotocols(event):
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": websocket.SUBPROTOCOL}}
    return {"statusCode": 200}


def disconnect(event: websocket.Event) -> websocket.Answer:
    forget(event["requestContext"]["connectionId"])
    count("connections_closed")
    return {"statusCode": 200}


def forget(connection_id: str) -> None:
    """Nobody is there any more: take the connection out of every viewport it watched."""
    watched = registry().viewports(connection_id)
    if watched:
        state().unwatch(watched, connection_id)
    registry().remove(connection_id)


@websocket.errors_as_messages
def subscribe(event: websocket.Event) -> websocket.Answer:
    principal(event["requestContext"].get("authorizer") or {}).require(HEATMAP_READ)
    message = websocket.message(event)
    connection_id = event["requestContext"]["connectionId"]
    bbox = bbox_from(message["bbox"]) if message.get("bbox") is not None else None
    wanted = viewport(message.get("city"), message.get("precision"), bbox, cities(), state().precisions)
    since, epoch = resume_point(message.get("since"))
    # Whatever is watched must be found again when the connection goes. The record is written before, for a failure in
    # between, and again after, for a `$disconnect` in between: what that leaves behind is found gone by the next frame.
    registry().subscribe(connection_id, wanted)
    view = state().watch(wanted, connection_id, since, epoch)
    registry().subscribe(connection_id, wanted)
    encode = resumed if view.since else snapshot
    frame = encode(wanted, view, time.time_ns() // 1_000_000)
    deliveries().send(jobs([Delivery([connection_id], frame)]))
    count("resumes" if view.since else "snapshots")
    return websocket.answer(
        {
            "type": "ack",
            "action": "subscribe",
            "subscription": wanted.subscription,
            "epoch": view.stamp.epoch,
            "rev": view.stamp.rev,
            "heartbeat_seconds": settings.heartbeat_seconds(),
        }
    )


def resume_point(since: Any) -> tuple[int, str]:
    """Revision and epoch that a client wants to go on from; 0 for none."""
    if since is None:
        return 0, ""
    expected = 'an object {"epoch": text, "rev": number}'
    if not isinstance(since, dict):
        raise InvalidInput("since", expected, since)
    epoch, rev = since.get("epoch"), since.get("rev")
    if not isinstance(epoch, str) or not isinstance(rev, int) or isinstance(rev, bool) or not 0 <= rev < 1 << 53:
        raise InvalidInput("since", expected, since)
    return rev, epoch


@websocket.errors_as_messages
def unsubscribe(event: websocket.Event) -> websocket.Answer:
    connection_id = event["requestContext"]["connectionId"]
    watched = from_subscription(websocket.message(event).get("subscription"))
    state().unwatch([watched], connection_id)
    registry().unsubscribe(connection_id, watched)
    return websocket.answer({"type": "ack", "action": "unsubscribe", "subscription": watched.subscription})


@websocket.errors_as_messages
def hello(event: websocket.Event) -> websocket.Answer:
    return websocket.answer(
        {
            "type": "ack",
            "action": "hello",
            "connection_id": event["requestContext"]["connectionId"],
            "precisions": state().precisions,
            "cities": listed(cities()),
        }
    )


@websocket.errors_as_messages
def unknown(event: websocket.Event) -> websocket.Answer:
    expected = "one of subscribe, unsubscribe, hello, ping, pings"
    message = websocket.message(event)
    got = message["action"] if "action" in message else Literal("none")
    raise InvalidInput("action", expected, got, code="unknown_action")


ROUTES = {
    "$connect": connect,
    "$disconnect": disconnect,
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "hello": hello,
    "$default": unknown,
}


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> websocket.Answer | None:
    if "Records" in event:
        # From the deliverer, by way of a queue: connections that it found gone.
        for record in event["Records"]:
            forget(record["body"])
            count("connections_gone")
        return None
    return ROUTES[event["requestContext"]["routeKey"]](event)
