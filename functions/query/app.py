"""GET: the heatmap of now, the cities, and how the system is."""

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
from adapters.settings import RetentionSettings
from heatmap.access import ADMIN, HEATMAP_READ
from heatmap.cities import cities, listed
from heatmap.errors import NotAllowed
from heatmap.privacy import audience_of, require_precision
from heatmap.state import Conservation
from heatmap.viewports import Audience, viewport
from query import answers, health, parameters
from query.readings import Reading, read

app = http.application("query")

# Anyone may ask for /health, and reading the stream is metered per second: so one answer serves for a while.
HEALTH_CACHE_MS = 2_000

# What is published of a city is derived from all of its counts: one answer serves for a tick of the default length.
PUBLISHED_CACHE_MS = 3_000


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
    reader = http.caller(app)
    reader.require(HEATMAP_READ)
    query = query_string()
    precision, bbox = parameters.precision(query, state().precisions), parameters.bbox(query)
    wanted = viewport(query.get("city"), precision, bbox, cities(), state().precisions)
    reader.require_city(wanted.city)
    require_precision(reader, precision)
    if audience_of(reader) is Audience.EXACT:
        return http.answer(200, answers.heatmap(wanted, state().view(wanted.city, precision), now()))
    reading = published_of(wanted.city, now() // PUBLISHED_CACHE_MS)
    return http.answer(200, answers.heatmap(wanted, reading.view(precision), reading.at))


@app.route("/stats", methods=["GET"])
@http.errors_as_answers
def get_stats() -> Response:
    reader = http.caller(app)
    reader.require(HEATMAP_READ)
    wanted = query_string().get("city")
    if wanted is None:
        names = [name for name in state().cities() if name in reader.cities]
    else:
        names = [cities().get(wanted).name]
        reader.require_city(names[0])
    if audience_of(reader) is Audience.EXACT:
        return http.answer(200, answers.stats(state().check(names), now()))
    found = {name: published_stats_of(name, now() // PUBLISHED_CACHE_MS) for name in names}
    # That there is somebody in a place is told only of a place that is asked for.
    shown = {name: each for name, each in found.items() if each.stamp.live or name == wanted}
    return http.answer(200, answers.stats(shown, now()))


@app.route("/drivers/{driver_id}", methods=["DELETE"])
@http.errors_as_answers
def delete_driver(driver_id: str) -> Response:
    caller = http.caller(app)
    caller.require(ADMIN)
    # Ids may hold what a path cannot.
    driver_id = unquote(driver_id)
    caller.require_driver(driver_id)
    if not caller.cities.are_all:
        raise NotAllowed(f"cities: expected a token that is good for all, got one for {caller.cities or 'none'}")
    removed, kept = state().forget(driver_id), RetentionSettings.from_env()
    return http.answer(200, {"driver_id": driver_id, "removed": removed, "kept_seconds": kept})


@app.route("/cities", methods=["GET"])
@http.errors_as_answers
def get_cities() -> Response:
    reader = http.caller(app)
    reader.require(HEATMAP_READ)
    return http.answer(200, {"cities": [city for city in listed(cities()) if city["name"] in reader.cities]})


@app.route("/health", methods=["GET"])
@http.errors_as_answers
def get_health() -> Response:
    answer = health_of(now() // HEALTH_CACHE_MS)
    # What is degraded still serves all who ask.
    return http.answer(503 if answer["status"] == "unavailable" else 200, answer)


@lru_cache(maxsize=16)
def published_of(city: str, _period: int) -> Reading:
    """What is published of a city, found out once in a period."""
    return read(state(), city, settings.min_cell_drivers(), now())


@lru_cache(maxsize=1_024)
def published_stats_of(city: str, period: int) -> Conservation:
    """How much that is."""
    return published_of(city, period).stats()


@lru_cache(maxsize=1)
def health_of(_period: int) -> dict[str, Any]:
    """How each part is, measured once in a period."""
    parts = {
        "stream": lambda: health.stream(stream().lag_ms(checkpoints().of(stream().name)), settings.degraded_lag_ms()),
        "failures": lambda: {"depth": failures().depth()},
        "live_state": lambda: {"cities": len(state().cities())},
    }
    return health.measured(parts, now())


@logger.inject_lambda_context(correlation_id_path=REQUEST_ID)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer: dict[str, Any] = app(event, context)
    return answer
