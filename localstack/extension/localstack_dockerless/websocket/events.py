"""The events that API Gateway sends to Lambda functions for a WebSocket API, field by field."""

import base64
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from localstack_dockerless.websocket.routing import CONNECT, DISCONNECT, Stage


@dataclass(slots=True)
class Client:
    """Who is connected: what every event of a connection has in common."""

    connection_id: str
    api_id: str
    stage: str
    domain_name: str
    host: str
    source_ip: str
    user_agent: str | None
    connected_at_ms: int
    authorizer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """The HTTP request that asks for a connection."""

    headers: Sequence[tuple[str, str]]
    query: Sequence[tuple[str, str]] = field(default_factory=list)

    @staticmethod
    def of(headers: Sequence[tuple[str, str]], query_string: str) -> "Handshake":
        return Handshake(headers, parse_qsl(query_string, keep_blank_values=True))

    @property
    def headers_by_lower_name(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}


def new_request_id() -> str:
    """Sixteen characters that end in `=`, like those of AWS."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def connect_event(
    client: Client, handshake: Handshake, request_id: str, variables: Mapping[str, str]
) -> dict[str, Any]:
    return {
        **_handshake_fields(handshake),
        **_stage_variables(variables),
        "requestContext": _request_context(client, CONNECT, "CONNECT", request_id),
        "isBase64Encoded": False,
    }


def authorizer_event(client: Client, handshake: Handshake, request_id: str, stage: Stage) -> dict[str, Any]:
    fields = {"queryStringParameters": {}, "multiValueQueryStringParameters": {}, **_handshake_fields(handshake)}
    return {
        "type": "REQUEST",
        "methodArn": method_arn(stage),
        **fields,
        "stageVariables": dict(stage.variables),
        "requestContext": _request_context(client, CONNECT, "CONNECT", request_id),
    }


def method_arn(stage: Stage) -> str:
    return f"arn:aws:execute-api:{stage.region}:{stage.account}:{stage.api_id}/{stage.name}/{CONNECT}"


def message_event(client: Client, route_key: str, request_id: str, body: str, variables: Mapping[str, str]) -> Any:
    return {
        "requestContext": _request_context(client, route_key, "MESSAGE", request_id, messageId=new_request_id()),
        **_stage_variables(variables),
        "body": body,
        "isBase64Encoded": False,
    }


def disconnect_event(
    client: Client, request_id: str, code: int, reason: str, variables: Mapping[str, str]
) -> dict[str, Any]:
    headers = {"Host": client.host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    context = _request_context(
        client, DISCONNECT, "DISCONNECT", request_id, disconnectStatusCode=code, disconnectReason=reason
    )
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        **_stage_variables(variables),
        "requestContext": context,
        "isBase64Encoded": False,
    }


def _stage_variables(variables: Mapping[str, str]) -> dict[str, Any]:
    """Present only on stages that have some."""
    return {"stageVariables": dict(variables)} if variables else {}


def _handshake_fields(handshake: Handshake) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "headers": dict(handshake.headers),
        "multiValueHeaders": _by_name(handshake.headers),
    }
    if handshake.query:
        fields["queryStringParameters"] = dict(handshake.query)
        fields["multiValueQueryStringParameters"] = _by_name(handshake.query)
    return fields


def _by_name(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _request_context(
    client: Client, route_key: str, event_type: str, request_id: str, **more: str | int
) -> dict[str, Any]:
    now = time.time()
    context: dict[str, Any] = {
        "routeKey": route_key,
        **more,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "messageDirection": "IN",
        "stage": client.stage,
        "connectedAt": client.connected_at_ms,
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": client.source_ip},
        "requestId": request_id,
        "domainName": client.domain_name,
        "connectionId": client.connection_id,
        "apiId": client.api_id,
    }
    if client.user_agent is not None:
        context["identity"]["userAgent"] = client.user_agent
    if client.authorizer is not None:
        context["authorizer"] = client.authorizer
    return context
