"""The plain HTTP of the gateway's port: the @connections API, `/_health`, and `/_faults`."""

import json
import os
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localstack_dockerless.websocket import frames, http
from localstack_dockerless.websocket.events import Client, new_request_id
from localstack_dockerless.websocket.faults import Fate, Faults

if TYPE_CHECKING:
    from localstack_dockerless.websocket.connection import Connection
    from localstack_dockerless.websocket.gateway import Gateway

_POSTED = http.response(HTTPStatus.OK)
_DELETED = http.response(HTTPStatus.NO_CONTENT)


def is_post_to_client(request: http.Request) -> bool:
    return request.method == "POST"


def answer(gateway: "Gateway", request: http.Request, fate: Fate = Fate.DELIVERED) -> bytes:
    """The complete response to a request that is no WebSocket handshake; `fate` is that of a post to a client."""
    path = request.target.partition("?")[0]
    # A stage has two segments, and what is below it four: a single one is nobody's.
    if path == "/_health":
        state = {"status": "running", "pid": os.getpid(), "connections": len(gateway.connections)}
        return http.json_response(HTTPStatus.OK, {**state, "faults": gateway.faults.active, **gateway.counters})
    if path == "/_faults":
        return _control_faults(gateway, request)
    # Clients may encode any character of a segment, the @ among them.
    segments = [unquote(segment) if "%" in segment else segment for segment in path.split("/", 4)]
    if len(segments) != 5 or segments[3] != "@connections":
        return _error(HTTPStatus.FORBIDDEN, "ForbiddenException", "Forbidden")
    _, api_id, stage, _, connection_id = segments
    connection = gateway.connections.get(connection_id)
    client = connection.client if connection is not None else None
    if connection is None or client is None or (client.api_id, client.stage) != (api_id, stage):
        gateway.counters["gone"] += 1
        return _error(HTTPStatus.GONE, "GoneException", "Gone")
    return _serve(gateway, request, connection, client, fate)


def _control_faults(gateway: "Gateway", request: http.Request) -> bytes:
    match request.method:
        case "GET":
            pass
        case "PUT":
            try:
                gateway.set_faults(Faults.from_json(request.body or b""))
            except ValueError as error:
                return http.json_response(HTTPStatus.BAD_REQUEST, {"message": str(error)})
        case "DELETE":
            gateway.end_faults()
        case _:
            message = {"message": f"expected GET, PUT or DELETE, got {request.method}"}
            return http.json_response(HTTPStatus.METHOD_NOT_ALLOWED, message, {"Allow": "GET, PUT, DELETE"})
    return http.json_response(HTTPStatus.OK, gateway.faults.to_json())


def _serve(gateway: "Gateway", request: http.Request, connection: "Connection", client: Client, fate: Fate) -> bytes:
    match request.method:
        case "POST":
            return _post(gateway, connection, request.body, fate)
        case "GET":
            return _describe(client, gateway.now() - connection.last_active)
        case "DELETE":
            connection.close(frames.NORMAL_CLOSURE, "Connection Closed Normally")
            return _DELETED
    return _error(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowedException", "Method Not Allowed")


def _post(gateway: "Gateway", connection: "Connection", body: bytes | None, fate: Fate) -> bytes:
    if body is None:
        return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeException", "Message too long")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            # It would leave as a text message that the client must refuse.
            return _error(HTTPStatus.BAD_REQUEST, "BadRequestException", "Message is not UTF-8")
    if fate is Fate.REFUSED:
        gateway.faults.counters["posts_refused"] += 1
        return _throttled("Rate exceeded")
    if fate is Fate.LOST:
        gateway.faults.counters["posts_lost"] += 1
        return _POSTED
    if not connection.is_writable:
        gateway.counters["throttled"] += 1
        return _throttled("The buffer of the WebSocket client is full")
    connection.send(frames.encode_message(body))
    gateway.counters["posted"] += 1
    return _POSTED


def _describe(client: Client, idle_s: float) -> bytes:
    identity = {"sourceIp": client.source_ip, "userAgent": client.user_agent}
    content = {
        "connectedAt": _rfc3339(client.connected_at_ms / 1000),
        "identity": {name: value for name, value in identity.items() if value is not None},
        "lastActiveAt": _rfc3339(time.time() - idle_s),
    }
    return http.json_response(HTTPStatus.OK, content)


def _rfc3339(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _throttled(message: str) -> bytes:
    return _error(HTTPStatus.TOO_MANY_REQUESTS, "LimitExceededException", message)


def _error(status: HTTPStatus, error_type: str, message: str) -> bytes:
    request_id = new_request_id()
    headers = {"x-amzn-ErrorType": error_type, "x-amzn-RequestId": request_id, "Content-Type": "application/json"}
    return http.response(status, json.dumps({"message": message, "requestId": request_id}).encode(), headers)
