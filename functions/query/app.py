"""What is read by REST: the heatmap of now, the cities, and how the system is. And a driver is forgotten."""

import time
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from chalice.app import Response

from adapters import http, settings
from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.observability import REQUEST_ID, logger, metrics
from adapters.ping_stream import PingStream
from adapters.queues import Queue
from query import health
from query.forgetting import forget
from query.reads import Reads

app = http.application("query")

# Anyone may ask for /health, and reading the stream is metered per second: so one answer serves for a while.
HEALTH_CACHE_MS = 2_000


def now() -> int:
    return time.time_ns() // 1_000_000


@cache
def reads() -> Reads:
    return Reads(LiveState.from_env(), settings.min_cell_drivers(), now)


@cache
def parts() -> dict[str, health.Measure]:
    failures = Queue.at(settings.failure_queue_url())
    stream, lag_ms = PingStream.from_env(), settings.degraded_lag_ms()
    return health.parts(reads().state, Checkpoints.from_env(), stream, failures, lag_ms)


@lru_cache(maxsize=1)
def health_of(_period: int) -> dict[str, Any]:
    """How each part is, measured once in a period."""
    return health.measured(parts(), now())


def query_string() -> Mapping[str, str]:
    return http.request(app).query_params or {}


@app.route("/heatmap", methods=["GET"])
@http.errors_as_answers
def get_heatmap() -> Response:
    return http.answer(200, reads().heatmap(http.caller(app), query_string()))


@app.route("/stats", methods=["GET"])
@http.errors_as_answers
def get_stats() -> Response:
    return http.answer(200, reads().stats(http.caller(app), query_string()))


@app.route("/cities", methods=["GET"])
@http.errors_as_answers
def get_cities() -> Response:
    return http.answer(200, reads().cities(http.caller(app)))


@app.route("/drivers/{driver_id}", methods=["DELETE"])
@http.errors_as_answers
def delete_driver(driver_id: str) -> Response:
    # Ids may hold what a path cannot.
    return http.answer(200, forget(reads().state, http.caller(app), unquote(driver_id)))


@app.route("/health", methods=["GET"])
@http.errors_as_answers
def get_health() -> Response:
    answer = health_of(now() // HEALTH_CACHE_MS)
    # What is degraded still serves all who ask.
    return http.answer(503 if answer["status"] == "unavailable" else 200, answer)


@logger.inject_lambda_context(correlation_id_path=REQUEST_ID)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer: dict[str, Any] = app(event, context)
    return answer
