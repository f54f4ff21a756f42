"""The WebSocket's routes: who is connected and what they watch."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from adapters import settings, websocket
from adapters.live_state import LiveState
from adapters.observability import REQUEST_ID, Metric, count, logger, metrics
from adapters.publisher import Publisher
from adapters.queues import Queue
from adapters.registry import Registry
from connections.viewers import Viewers
from heatmap import actions
from heatmap.access import HEATMAP_READ
from heatmap.cities import cities, listed
from heatmap.errors import FleetglowError
from heatmap.privacy import audience_of, precisions_for, require_precision

# When no record can be dealt with the failures are reported all the same: a traceback for each would tell nothing more.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def viewers() -> Viewers:
    state = LiveState.from_env()
    return Viewers(
        state=state,
        publisher=Publisher.of(state),
        registry=Registry.from_env(),
        deliveries=Queue.at(settings.deliveries_queue_url()),
        clock=lambda: time.time_ns() // 1_000_000,
    )


def connect(event: websocket.Event) -> websocket.Answer:
    viewers().connect(websocket.connection_id(event), websocket.caller(event))
    count(Metric.CONNECTIONS_OPENED)
    # A client that offers subprotocols, its token among them, must be told which one was taken.
    if websocket.SUBPROTOCOL in websocket.offered_subprotocols(event):
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": websocket.SUBPROTOCOL}}
    return {"statusCode": 200}


def disconnect(event: websocket.Event) -> websocket.Answer:
    viewers().disconnect(websocket.connection_id(event))
    count(Metric.CONNECTIONS_CLOSED)
    return {"statusCode": 200}


@websocket.action
def subscribe(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    caller = websocket.caller(event)
    caller.require(HEATMAP_READ)
    wanted = actions.subscribe(message, cities(), viewers().precisions, audience_of(caller))
    caller.require_city(wanted.viewport.city)
    require_precision(caller, wanted.viewport.precision)
    stamp = viewers().subscribe(websocket.connection_id(event), caller, wanted)
    return {
        "subscription": wanted.viewport.subscription,
        "epoch": stamp.epoch,
        "rev": stamp.rev,
        "heartbeat_seconds": settings.heartbeat_seconds(),
    }


@websocket.action
def unsubscribe(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    watched = actions.unsubscribe(message, audience_of(websocket.caller(event)))
    viewers().unsubscribe(websocket.connection_id(event), watched)
    return {"subscription": watched.subscription}


@websocket.action
def hello(event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    caller = websocket.caller(event)
    return {
        "connection_id": websocket.connection_id(event),
        "precisions": precisions_for(audience_of(caller), viewers().precisions),
        "cities": [city for city in listed(cities()) if city["name"] in caller.cities],
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


def found_gone(record: SQSRecord) -> None:
    """Forget a connection that the deliverer found gone; the processor reports a record for which that failed."""
    try:
        viewers().disconnect(record.body)
    except FleetglowError as error:
        logger.error("gone connection not forgotten", message_id=record.message_id, reason=str(error))
        raise
    count(Metric.CONNECTIONS_GONE)


@logger.inject_lambda_context(correlation_id_path=REQUEST_ID)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> websocket.Answer | PartialItemFailureResponse:
    if "Records" in event:
        with processor(records=event["Records"], handler=found_gone):
            processor.process()
        return processor.response()
    return ROUTES[event["requestContext"]["routeKey"]](event)
