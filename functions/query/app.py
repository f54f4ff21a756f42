"""GET: the heatmap of now, the cities, and how the system is."""

import time
from collections.abc import Callable, Mapping
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
from heatmap.cells import TILE_CHARACTERS, BBox, bbox_from
from heatmap.cities import cities, listed
from heatmap.errors import InvalidInput, Unavailable
from heatmap.times import rfc3339
from heatmap.viewports import viewport

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


def parameters() -> Mapping[str, str]:
    return http.request(app).query_params or {}


def precision_parameter() -> int:
    """The wanted precision; the finest by default."""
    text = parameters().get("precision", str(state().precisions[-1]))
    if not (text.isascii() and text.isdecimal() and len(text) < 3):
        raise InvalidInput("precision", "a number", text, code="unknown_precision")
    return int(text)


def bbox_parameter() -> BBox | None:
    """The wanted box, `south,west,north,east`; none by default."""
    text = parameters().get("bbox")
    if text is None:
        return None
    try:
        return bbox_from([float(part) for part in text.split(",")])
    except ValueError as error:
        raise InvalidInput("bbox", "four numbers south,west,north,east in degrees", text) from error


@app.route("/heatmap", methods=["GET"])
@http.errors_as_answers
def get_heatmap() -> Response:
    http.caller(app).require(HEATMAP_READ)
    wanted = viewport(parameters().get("city"), precision_parameter(), bbox_parameter(), cities(), state().precisions)
    view = state().view(wanted.city, wanted.precision)
    asked_at = now()
    tiles = wanted.tiles
    return http.answer(
        200,
        {
            "city": wanted.city,
            "precision": wanted.precision,
            "epoch": view.stamp.epoch,
            "rev": view.stamp.rev,
            "as_of": rfc3339(asked_at),
            "lag_ms": max(0, asked_at - view.stamp.last_event) if view.stamp.last_event else 0,
            "drivers": view.stamp.live,
            "cells": {cell: n for cell, n in view.cells.items() if n and tiles.holds(cell[:-TILE_CHARACTERS])},
        },
    )


@app.route("/stats", methods=["GET"])
@http.errors_as_answers
def get_stats() -> Response:
    http.caller(app).require(HEATMAP_READ)
    wanted = parameters().get("city")
    names = state().cities() if wanted is None else [cities().get(wanted).name]
    found = state().check(names)
    stats = {
        name: {
            "drivers": each.stamp.live,
            "epoch": each.stamp.epoch,
            "rev": each.stamp.rev,
            "last_event": rfc3339(each.stamp.last_event) if each.stamp.last_event else None,
            "cells": each.cells,
        }
        for name, each in found.items()
    }
    drivers = sum(each.stamp.live for each in found.values())
    return http.answer(200, {"as_of": rfc3339(now()), "drivers": drivers, "cities": stats})


@app.route("/cities", methods=["GET"])
@http.errors_as_answers
def get_cities() -> Response:
    http.caller(app).require(HEATMAP_READ)
    return http.answer(200, {"cities": listed(cities())})


@app.route("/health", methods=["GET"])
@http.errors_as_answers
def get_health() -> Response:
    health = measured_health(now() // HEALTH_CACHE_MS)
    return http.answer(200 if health["status"] == "ok" else 503, health)


@lru_cache(maxsize=1)
def measured_health(_period: int) -> dict[str, Any]:
    """How each part is, measured once in a period."""
    health: dict[str, Any] = {"status": "ok", "as_of": rfc3339(now())}
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "stream": lambda: {"lag_ms": stream().lag_ms(checkpoints().of(stream().name))},
        "failures": lambda: {"depth": failures().depth()},
        "live_state": lambda: {"cities": len(state().cities())},
    }
    for part, measure in measures.items():
        try:
            health[part] = {"status": "ok", **measure()}
        except Unavailable as error:
            health[part] = {"status": "unavailable", "reason": str(error)}
            health["status"] = "unavailable"
    return health


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer: dict[str, Any] = app(event, context)
    return answer
