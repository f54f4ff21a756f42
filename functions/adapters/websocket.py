"""WebSocket answers: what a route returns goes back to the client that sent the message."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec

from adapters.observability import count, logger
from heatmap.errors import FleetglowError, InvalidInput, Literal, Unavailable

Event = dict[str, Any]
Answer = dict[str, Any]

# What a client that authenticates by subprotocols offers first, its token behind it.
SUBPROTOCOL = "fleetglow"


def answer(message: object) -> Answer:
    """A proxy integration's response whose body API Gateway sends to the client."""
    return {"statusCode": 200, "body": msgspec.json.encode(message).decode()}


def offered_subprotocols(event: Event) -> list[str]:
    """What a client that opens a connection offers, in its order."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return [name.strip() for name in str(headers.get("sec-websocket-protocol", "")).split(",")]


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
        raise InvalidInput("message", "a JSON object", document)
    return document


def errors_as_messages(route: Callable[[Event], Answer]) -> Callable[[Event], Answer]:
    """Let a route raise our errors: the client gets an `error` that names its action, and its connection lives."""

    @wraps(route)
    def answering(event: Event) -> Answer:
        try:
            return route(event)
        except FleetglowError as error:
            if isinstance(error, Unavailable):
                logger.warning("unavailable", reason=str(error))
                count("unavailable")
            action = event["requestContext"]["routeKey"]
            return answer({"type": "error", "action": action, "code": error.code, "message": str(error)})

    return answering
