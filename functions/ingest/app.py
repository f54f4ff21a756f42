"""POST /pings, and the socket's `ping` and `pings`: valid pings onto the stream, a reason for the rest."""

import time
from functools import cache
from math import ceil
from typing import Any

import msgspec
from chalice.app import Response

from adapters import http, websocket
from adapters.observability import REQUEST_ID, is_detailed, logger, metrics
from adapters.ping_stream import PingStream
from adapters.settings import PingSettings
from heatmap.access import PINGS_WRITE, Principal
from heatmap.actions import Message
from heatmap.limits import RateLimit, wait_ms
from heatmap.pings import Parsed
from heatmap.records import Origin
from ingest.intake import Intake, status_of

app = http.application("ingest")


@cache
def stream() -> PingStream:
    return PingStream.from_env()


@cache
def rate_limit() -> RateLimit:
    """Of the pings that come to this environment of the function: each has its own."""
    settings = PingSettings.from_env()
    return RateLimit(settings.per_second, settings.burst)


def take(body: bytes, sender: Principal, request_id: str) -> Parsed:
    """Put the good pings of a request onto the stream."""
    origin = Origin(request_id, is_followed=is_detailed())
    return Intake(stream(), rate_limit()).take(body, sender, origin, time.time_ns() // 1_000_000)


def summary(parsed: Parsed) -> dict[str, Any]:
    return {"accepted": len(parsed.pings), "rejected": parsed.rejected}


@app.route("/pings", methods=["POST"], content_types=["*/*"])
@http.errors_as_answers
def post_pings() -> Response:
    sender = http.caller(app)
    sender.require(PINGS_WRITE)
    event = http.request(app).to_original_event()
    body = http.body(event.get("body"), is_base64=bool(event.get("isBase64Encoded")))
    parsed = take(body, sender, http.request_id(app))
    return http.answer(status_of(parsed), summary(parsed), retry_after_s=ceil(wait_ms(parsed) / 1_000))


@websocket.action
def socket_pings(event: websocket.Event, message: Message) -> dict[str, Any]:
    sender = websocket.caller(event)
    sender.require(PINGS_WRITE)
    body = message.get("ping") if message["action"] == "ping" else {"pings": message.get("pings")}
    return summary(take(msgspec.json.encode(body), sender, websocket.request_id(event)))


@logger.inject_lambda_context(correlation_id_path=REQUEST_ID)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if "connectionId" in event["requestContext"]:
        return socket_pings(event)
    answer: dict[str, Any] = app(event, context)
    return answer
