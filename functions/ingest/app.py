"""POST /pings, and the socket's `ping` and `pings`: valid pings onto the stream, a reason for the rest."""

import time
from collections import Counter
from functools import cache
from math import ceil
from typing import Any

import msgspec
from chalice.app import Response

from adapters import http, websocket
from adapters.observability import REQUEST_ID, Metric, count, logger, metrics
from adapters.ping_stream import PingStream
from adapters.settings import PingSettings
from heatmap.access import PINGS_WRITE, Principal
from heatmap.actions import Message
from heatmap.cities import cities
from heatmap.errors import NotAllowed, RateLimited
from heatmap.limits import RateLimit, wait_ms
from heatmap.permits import permitted
from heatmap.pings import Parsed, parse
from heatmap.records import encode

app = http.application("ingest")

# What is not listed is malformed in one of many ways.
_REASONS = {
    "future": Metric.PINGS_FUTURE,
    "too_old": Metric.PINGS_TOO_OLD,
    "zero_island": Metric.PINGS_ZERO_ISLAND,
    "inaccurate": Metric.PINGS_INACCURATE,
    NotAllowed.code: Metric.PINGS_FORBIDDEN,
    RateLimited.code: Metric.PINGS_RATE_LIMITED,
}


@cache
def stream() -> PingStream:
    return PingStream.from_env()


@cache
def rate_limit() -> RateLimit:
    """Of the pings that come to this environment of the function: each has its own."""
    settings = PingSettings.from_env()
    return RateLimit(settings.per_second, settings.burst)


def take(body: bytes, sender: Principal) -> Parsed:
    """Put the good pings of a request onto the stream."""
    now = time.time_ns() // 1_000_000
    parsed = rate_limit().admit(permitted(parse(body, now, cities()), sender), now)
    if parsed.pings:
        for record in encode(parsed.pings):
            stream().put(record)
    count(Metric.PINGS_ACCEPTED, len(parsed.pings))
    count(Metric.PINGS_REJECTED, len(parsed.rejected))
    for reason, pings in Counter(_REASONS.get(each.code, Metric.PINGS_INVALID) for each in parsed.rejected).items():
        count(reason, pings)
    return parsed


def summary(parsed: Parsed) -> dict[str, Any]:
    return {"accepted": len(parsed.pings), "rejected": parsed.rejected}


def status_of(parsed: Parsed) -> int:
    """One good ping makes a good request; without any, 403 says that another token would have helped, 429 a pause."""
    if parsed.pings:
        return 202
    if wait_ms(parsed):
        return 429
    return 403 if all(each.code == NotAllowed.code for each in parsed.rejected) else 400


@app.route("/pings", methods=["POST"], content_types=["*/*"])
@http.errors_as_answers
def post_pings() -> Response:
    sender = http.caller(app)
    sender.require(PINGS_WRITE)
    event = http.request(app).to_original_event()
    parsed = take(http.body(event.get("body"), is_base64=bool(event.get("isBase64Encoded"))), sender)
    return http.answer(status_of(parsed), summary(parsed), retry_after_s=ceil(wait_ms(parsed) / 1_000))


@websocket.action
def socket_pings(event: websocket.Event, message: Message) -> dict[str, Any]:
    sender = websocket.caller(event)
    sender.require(PINGS_WRITE)
    body = message.get("ping") if message["action"] == "ping" else {"pings": message.get("pings")}
    return summary(take(msgspec.json.encode(body), sender))


@logger.inject_lambda_context(correlation_id_path=REQUEST_ID)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    if "connectionId" in event["requestContext"]:
        return socket_pings(event)
    answer: dict[str, Any] = app(event, context)
    return answer
