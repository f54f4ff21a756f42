"""GET: the heatmap of now, the cities, and how the system is."""

import time
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from chalice.app import Response

from adapters import http, settings
from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.observability import logger, metrics
from adapters.ping_stream import PingStream
from adapters.queues import Queue
from heatmap.access import HEATMAP_READ
from heatmap.cities import cities, listed
from heatmap.viewports import viewport
from query import answers, parameters
from query.health import measured

app = http.application("query")

# Anyone may ask for /health, and reading the stream is metered per second: so one answer serves for a while.
HEALTH_CACHE_MS = 2_000


@cache
def state() -> LiveState:
    return LiveState.from_env()


@cache
def checkpoints() -> Checkpoints:
    return Checkpoints.from_env()


@cache
def stream() -> PingStream:
    return PingStream.from_env()


@cache
def failures() -> Queue:
    return Queue.at(settings.failure_queue_url())


def now() -> int:
    return time.time_ns() // 1_000_000


def query_string() -> Mapping[str, str]:
    return http.request(app).query_params or {}


@app.route("/heatmap", methods=["GET"])
@http.errors_as_answers
def get_heatmap() -> Response:
    http.caller(app).require(HEATMAP_READ)
    query = query_string()
    precision, bbox = parameters.precision(query, state().precisions), parameters.bbox(query)
    wanted = viewport(query.get("city"), precision, bbox, cities(), state().precisions)
    view = state().view(wanted.city, wanted.precision)
    return http.answer(200, answers.heatmap(wanted, view, now()))


@app.route("/stats", methods=["GET"])
@http.errors_as_answers
def get_stats() -> Response:
    http.caller(app).require(HEATMAP_READ)
    wanted = query_string().get("city")
    names = state().cities() if wanted is None else [cities().get(wanted).name]
    return http.answer(200, answers.stats(state().check(names), now()))


@app.route("/cities", methods=["GET"])
@http.errors_as_answers
def get_cities() -> Response:
    http.caller(app).require(HEATMAP_READ)
    return http.answer(200, {"cities": listed(cities())})


@app.route("/health", methods=["GET"])
@http.errors_as_answers
def get_health() -> Response:
    health = health_of(now() // HEALTH_CACHE_MS)
    return http.answer(200 if health["status"] == "ok" else 503, health)


@lru_cache(maxsize=1)
def health_of(_period: int) -> dict[str, Any]:
    """How each part is, measured once in a period."""
    parts = {
        "stream": lambda: {"lag_ms": stream().lag_ms(checkpoints().of(stream().name))},
        "failures": lambda: {"depth": failures().depth()},
        "live_state": lambda: {"cities": len(state().cities())},
    }
    return measured(parts, now())


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer: dict[str, Any] = app(event, context)
    return answer
