"""WebSocket answers: what a route returns goes back to the client that sent the message."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec

from adapters.observability import count, logger
from heatmap.access import Principal, principal
from heatmap.actions import Message, id_of, require_known_fields
from heatmap.errors import FleetglowError, InvalidInput, Literal, Unavailable

Event = dict[str, Any]
Answer = dict[str, Any]

# What a client that authenticates by subprotocols offers first, its token behind it.
SUBPROTOCOL = "fleetglow"


def connection_id(event: Event) -> str:
    """The connection that an event came from."""
    return str(event["requestContext"]["connectionId"])


def caller(event: Event) -> Principal:
    """Who opened the connection, as the authorizer found."""
    return principal(event["requestContext"].get("authorizer") or {})


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
            if not name.startswith("$"):
                require_known_fields(received, name)
            return _answer({"type": "ack", **named, **route(event, received)})
        except FleetglowError as error:
            if isinstance(error, Unavailable):
                logger.warning("unavailable", reason=str(error))
                count("unavailable")
            return _answer({"type": "error", **named, "code": error.code, "message": str(error)})

    return answering


def _answer(message: object) -> Answer:
    """A proxy integration's response whose body API Gateway sends to the client."""
    return {"statusCode": 200, "body": msgspec.json.encode(message).decode()}
