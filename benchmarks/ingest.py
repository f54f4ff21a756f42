"""Pings per second through the ingest handler, on one core, 500 pings a request.

The stream is one that takes everything at once, so what is measured is ours: routing, validation, placing, the record.
The limit is bare msgspec decoding of the same bodies into typed pings, without a check beyond the types.
"""

import time
from typing import Any

import msgspec

from benchmarks import handlers
from benchmarks.fleet import DRIVERS, PINGS_PER_REQUEST, rounds
from benchmarks.result import Contestant, Result, median, paired, ratio

ROUNDS = 7
MOVES = 4
# Whom the authorizer has found: a gateway of the whole fleet, until the year 5138.
GATEWAY = {"sub": "benchmark", "scope": "pings:write", "drivers": "*", "cities": "*", "expires_at": "99999999999999"}


class _Ping(msgspec.Struct):
    driver_id: str
    lat: float
    lon: float
    sampled_at: int
    speed: float
    heading: float


class _Batch(msgspec.Struct):
    pings: list[_Ping]


class _OpenStream:
    """Takes every record."""

    def put(self, data: bytes) -> None:
        """Take it."""


def run() -> Result:
    """Measure."""
    handlers.prepare(PING_STREAM="pings", PINGS_PER_SECOND="2", PINGS_BURST="500")
    app = handlers.module("ingest.app")
    app.stream = _OpenStream
    invoke = handlers.invoker(app.lambda_handler)
    # Sent in the past, so that no reading is ahead of the handler's clock.
    started_at = time.time_ns() // 1_000_000 - 3_600_000
    bodies = [body for _, each in rounds(MOVES, started_at) for body in each]
    events = [_event(body.decode()) for body in bodies]
    decode = msgspec.json.Decoder(_Batch).decode

    def ingest() -> int:
        for event in events:
            answer = invoke(event)
            if answer["statusCode"] != 202:
                raise ValueError(f"expected 202, got {answer}")
        return MOVES * DRIVERS

    def bare() -> int:
        for body in bodies:
            decode(body)
        return MOVES * DRIVERS

    rates = paired({"ingest": Contestant(ingest), "limit": Contestant(bare)}, ROUNDS)
    return Result(
        name="ingest",
        value=median(rates["ingest"]),
        unit="pings/s",
        ratios={"limit": ratio(rates["ingest"], rates["limit"])},
        detail={
            "pings_per_request": PINGS_PER_REQUEST,
            "stream": "takes records at once: no network",
            "limit": "msgspec decoding of the same bodies into typed pings",
            "rates": {name: [round(rate) for rate in each] for name, each in rates.items()},
        },
    )


def _event(body: str) -> dict[str, Any]:
    return {
        "httpMethod": "POST",
        "path": "/pings",
        "resource": "/pings",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "resourcePath": "/pings",
            "httpMethod": "POST",
            "authorizer": GATEWAY,
        },
    }
