"""POST /pings, and the socket's `ping` and `pings`: valid pings onto the stream, a reason for the rest."""

import time
from functools import cache
from typing import Any

import msgspec
from chalice.app import Response

from adapters import http, websocket
from adapters.observability import count, logger, metrics
from adapters.ping_stream import PingStream
from heatmap.access import PINGS_WRITE
from heatmap.actions import Message
from heatmap.cities import cities
from heatmap.pings import Parsed, parse
from heatmap.records import encode

app = http.application("ingest")


@cache
def stream() -> PingStream:
    return PingStream.from_env()


def take(body: bytes) -> Parsed:
    """Put the good pings of a request onto the stream."""
    parsed = parse(body, time.time_ns() // 1_000_000, cities())
    if parsed.pings:
        for record in encode(parsed.pings):
            stream().put(record)
    count("pings_accepted", len(parsed.pings))
    count("pings_rejected", len(parsed.rejected))
    return parsed


def summary(parsed: Parsed) -> dict[str, Any]:
    return {"accepted": len(parsed.pings), "rejected": parsed.rejected}


@app.route("/pings", methods=["POST"], content_types=["*/*"])
@http.errors_as_answers
def post_pings() -> Response:
    http.caller(app).require(PINGS_WRITE)
    event = http.request(app).to_original_event()
    parsed = take(http.body(event.get("body"), is_base64=bool(event.get("isBase64Encoded"))))
    return http.answer(202 if parsed.pings else 400, summary(parsed))


@websocket.action
def socket_pings(event: websocket.Event, message: Message) -> dict[str, Any]:
    websocket.caller(event).require(PINGS_WRITE)
    body = message.get("ping") if message["action"] == "ping" else {"pings": message.get("pings")}
    return summary(take(msgspec.json.encode(body)))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if "connectionId" in event["requestContext"]:
        return socket_pings(event)
    answer: dict[str, Any] = app(event, context)
    return answer
