"""The bodies of answers."""

from typing import Any

from heatmap.cells import TILE_CHARACTERS
from heatmap.state import Conservation, View
from heatmap.times import rfc3339
from heatmap.viewports import Viewport


def heatmap(wanted: Viewport, view: View, now: int, least: int) -> dict[str, Any]:
    """The cells of a viewport that hold drivers, and how fresh that is.

    Args:
        view: of the viewport's city and precision.
        now: UTC milliseconds.
        least: the least count, other than 0, that it tells.
    """
    tiles = wanted.tiles
    return {
        "city": wanted.city,
        "precision": wanted.precision,
        "epoch": view.stamp.epoch,
        "rev": view.stamp.rev,
        "as_of": rfc3339(now),
        "lag_ms": max(0, now - view.stamp.last_event) if view.stamp.last_event else 0,
        "drivers": view.stamp.live,
        "min_cell_drivers": least,
        "cells": {cell: n for cell, n in view.cells.items() if n and tiles.holds(cell[:-TILE_CHARACTERS])},
    }


def stats(cities: dict[str, Conservation], now: int) -> dict[str, Any]:
    """Live drivers and cells in use, by city; `now` is UTC milliseconds."""
    return {
        "as_of": rfc3339(now),
        "drivers": sum(each.stamp.live for each in cities.values()),
        "cities": {
            name: {
                "drivers": each.stamp.live,
                "epoch": each.stamp.epoch,
                "rev": each.stamp.rev,
                "last_event": rfc3339(each.stamp.last_event) if each.stamp.last_event else None,
                "cells": each.cells,
            }
            for name, each in cities.items()
        },
    }
