"""Small makers of pings and events, one per kind; a test names only what it is about."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from heatmap.cells import cell_of
from heatmap.cities import cities
from heatmap.pings import Ping
from heatmap.records import encode

NOW = 1_700_000_000_000
LAGOS = (6.52, 3.38)

# Whom the authorizer has found: somebody who may act for every driver, everywhere, until the year 5138.
TESTER = {"sub": "tester", "drivers": "*", "cities": "*", "expires_at": "99999999999999"}


def a_ping(
    driver_id: str = "driver-1",
    sampled_at: int = NOW,
    position: tuple[float, float] = LAGOS,
    received_at: int | None = None,
) -> Ping:
    lat, lon = position
    geohash = cell_of(lat, lon)
    return Ping(
        driver_id=driver_id,
        sampled_at=sampled_at,
        received_at=sampled_at if received_at is None else received_at,
        lat=lat,
        lon=lon,
        geohash=geohash,
        city=cities().place(lat, lon, geohash),
    )


def a_body(**fields: Any) -> dict[str, Any]:
    """A ping as a sender writes it; a field set to `...` is left out."""
    ping = {"driver_id": "driver-1", "sampled_at": NOW - 1_000, "lat": 6.52, "lon": 3.38} | fields
    return {name: value for name, value in ping.items() if value is not ...}


def a_record(*pings: Ping) -> bytes:
    [data] = encode(list(pings))
    return data


def a_kinesis_event(*records: bytes, first: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{sequence}",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/pings",
                "kinesis": {"sequenceNumber": str(sequence), "data": base64.b64encode(data).decode()},
            }
            for sequence, data in enumerate(records, start=first)
        ]
    }


def a_rest_event(
    method: str,
    path: str,
    body: str = "",
    query: dict[str, str] | None = None,
    scope: str = "pings:write heatmap:read drivers:read",
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "httpMethod": method,
        "path": path.format(**parameters or {}),
        "resource": path,
        "headers": {},
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": parameters,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "authorizer": {**TESTER, "scope": scope},
        },
    }


def a_socket_event(
    route: str,
    message: object = None,
    connection_id: str = "connection-1",
    scope: str = "pings:write heatmap:read drivers:read",
) -> dict[str, Any]:
    return {
        "requestContext": {
            "routeKey": route,
            "connectionId": connection_id,
            "authorizer": {**TESTER, "scope": scope},
        },
        "headers": {},
        "body": message if isinstance(message, str) else json.dumps(message),
    }


def an_sqs_event(*bodies: str, sent_at: int = NOW) -> dict[str, Any]:
    attributes = {"SentTimestamp": str(sent_at)}
    return {
        "Records": [
            {"messageId": str(index), "body": body, "attributes": attributes} for index, body in enumerate(bodies)
        ]
    }


@dataclass
class LambdaContext:
    """What a handler may ask its runtime."""

    function_name: str = "function"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "request-1"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms
