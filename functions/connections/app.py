"""The WebSocket's routes: who is connected and what they watch."""

import time
from functools import cache
from typing import Any

from adapters import settings, websocket
from adapters.live_state import LiveState
from adapters.observability import count, logger, metrics
from adapters.queues import Queue
from adapters.registry import Registry
from connections.viewers import Viewers
from heatmap import actions
from heatmap.access import HEATMAP_READ
from heatmap.cities import cities, listed


@cache
def viewers() -> Viewers:
    return Viewers(
        state=LiveState.from_env(),
        registry=Registry.from_env(),
        deliveries=Queue.at(settings.deliveries_queue_url()),
        clock=lambda: time.time_ns() // 1_000_000,
    )


def connect(event: websocket.Event) -> websocket.Answer:
    viewers().registry.add(websocket.connection_id(event), websocket.caller(event))
    count("connections_opened")
    # A client that offers subprotocols, its token among them, must be told which one was taken.
    if websocket.SUBPROTOCOL in websocket.offered_subprotocols(event):
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": websocket.SUBPROTOCOL}}
    return {"statusCode": 200}


def disconnect(event: websocket.Event) -> websocket.Answer:
    viewers().forget(websocket.connection_id(event))
    count("connections_closed")
    return {"statusCode": 200}


@websocket.action
def subscribe(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    websocket.caller(event).require(HEATMAP_READ)
    wanted = actions.subscribe(message, cities(), viewers().state.precisions)
    stamp = viewers().subscribe(websocket.connection_id(event), wanted)
    return {
        "subscription": wanted.viewport.subscription,
        "epoch": stamp.epoch,
        "rev": stamp.rev,
        "heartbeat_seconds": settings.heartbeat_seconds(),
    }


@websocket.action
def unsubscribe(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    watched = actions.unsubscribe(message)
    viewers().unsubscribe(websocket.connection_id(event), watched)
    return {"subscription": watched.subscription}


@websocket.action
def hello(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    return {
        "connection_id": websocket.connection_id(event),
        "precisions": viewers().state.precisions,
        "cities": listed(cities()),
    }


@websocket.action
def unknown(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    raise actions.unknown_action(message)


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
            viewers().forget(record["body"])
            count("connections_gone")
        return None
    return ROUTES[event["requestContext"]["routeKey"]](event)
