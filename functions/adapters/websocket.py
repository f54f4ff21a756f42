"""WebSocket answers: what a route returns goes back to the client that sent the message."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec

from adapters.observability import Metric, count, logger
from heatmap.access import Principal, principal
from heatmap.actions import Message, id_of, require_known_fields
from heatmap.errors import FleetglowError, InvalidInput, Literal, Misconfigured, Unavailable

Event = dict[str, Any]
Answer = dict[str, Any]

# What a client that authenticates by subprotocols offers first, its token behind it.
SUBPROTOCOL = "fleetglow"


def connection_id(event: Event) -> str:
    """The connection that an event came from."""
    return str(event["requestContext"]["connectionId"])


def request_id(event: Event) -> str:
    """What API Gateway calls the message."""
    return str(event["requestContext"].get("requestId", ""))


def caller(event: Event) -> Principal:
    """Who opened the connection, as the authorizer found."""
    return principal(event["requestContext"].get("authorizer") or {})


def offered_subprotocols(event: Event) -> list[str]:
    """What a client that opens a connection offers, in its order."""
    # Of a header that comes in several lines `headers` has only the last.
    plain = {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers = {name.lower(): values for name, values in (event.get("multiValueHeaders") or plain).items()}
    return [name.strip() for name in ",".join(headers.get("sec-websocket-protocol") or [""]).split(",")]


def message(event: Event) -> dict[str, Any]:
    """A client's message.

    Raises:
        InvalidInput: it is not a JSON object.
    """
    text = event.get("body") or ""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput("message", "a JSON object", Literal(str(error)), code="not_json") from error
    if not isinstance(document, dict):
        raise InvalidInput("message", "a JSON object", document, code="not_json")
    return document


def action(route: Callable[[Event, Message], dict[str, Any]]) -> Callable[[Event], Answer]:
    """Let a route return its ack's fields, or raise our errors: either names the action and the message's id.

    An error leaves the connection as it is.
    """

    @wraps(route)
    def answering(event: Event) -> Answer:
        name = event["requestContext"]["routeKey"]
        named: dict[str, Any] = {"action": name}
        try:
            received = message(event)
            if (given := id_of(received)) is not None:
                named["id"] = given
            # The authorizer was asked when the connection began; soon it will be closed.
            caller(event).require_current(time.time_ns() // 1_000_000)
            if not name.startswith("$"):
                require_known_fields(received, name)
            return _answer({"type": "ack", **named, **route(event, received)})
        except Misconfigured:
            # The function fails, which is seen: it is nothing that a client should be told, or could mend.
            raise
        except FleetglowError as error:
            if isinstance(error, Unavailable):
                logger.warning("unavailable", reason=str(error))
                count(Metric.UNAVAILABLE)
            return _answer({"type": "error", **named, "code": error.code, "message": error.told})

    return answering


def _answer(message: object) -> Answer:
    """A proxy integration's response whose body API Gateway sends to the client."""
    return {"statusCode": 200, "body": msgspec.json.encode(message).decode()}
