"""The WebSocket's routes: who is connected and what they watch."""

import time
from collections.abc import Callable
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
from connections import messages
from connections.viewers import Viewers
from heatmap.errors import FleetglowError, TooManyConnections

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
    most = settings.max_connections_per_principal()
    try:
        viewers().connect(websocket.connection_id(event), websocket.caller(event), most)
    except TooManyConnections as error:
        count(Metric.CONNECTIONS_REFUSED)
        return {"statusCode": 429, "body": str(error)}
    count(Metric.CONNECTIONS_OPENED)
    # A client that offers subprotocols, its token among them, must be told which one was taken.
    if websocket.SUBPROTOCOL in websocket.offered_subprotocols(event):
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": websocket.SUBPROTOCOL}}
    return {"statusCode": 200}


def disconnect(event: websocket.Event) -> websocket.Answer:
    viewers().disconnect(websocket.connection_id(event))
    count(Metric.CONNECTIONS_CLOSED)
    return {"statusCode": 200}


def answered(route: messages.Route) -> Callable[[websocket.Event], websocket.Answer]:
    return websocket.action(lambda event, message: route(viewers(), event, message))


ROUTES = {
    "$connect": connect,
    "$disconnect": disconnect,
    "subscribe": answered(messages.subscribe),
    "unsubscribe": answered(messages.unsubscribe),
    "hello": answered(messages.hello),
    "$default": answered(messages.unknown),
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
