"""Snapshots a second for new viewers of 10,000 drivers, on one core, the function's copy of the city in step.

All of it is real, Valkey and the registry among it, but for the queue, which only counts. The limit is the script that
makes a viewer of the connection, alone. The peer `no_copy` is the same without a copy: it reads all cells for each
viewer.
"""

import statistics
import time
from collections.abc import Iterable
from itertools import count

import redis

from adapters.live_state import LiveState
from adapters.publisher import Publisher
from adapters.registry import Registry
from benchmarks import handlers, valkey_server
from benchmarks.audience import MIN_CELL_DRIVERS, PRECISIONS, viewports
from benchmarks.fleet import CITY, DRIVERS
from benchmarks.result import Contestant, Result, median, paired, ratio
from benchmarks.traffic import Traffic
from heatmap.access import principal
from heatmap.actions import Subscribe
from heatmap.deliveries import Delivery, jobs
from heatmap.frames import Encoding, Frames
from heatmap.tiles import Tiles

VIEWPORTS = 200
ROUNDS = 7
VIEWER = principal({"sub": "viewer"})


class _Queue:
    """Takes jobs, and counts their bytes."""

    def __init__(self) -> None:
        self.bytes = 0

    def send(self, bodies: Iterable[str]) -> None:
        """Take them."""
        self.bytes += sum(map(len, bodies))


def run() -> Result:
    """Measure."""
    handlers.prepare()
    with valkey_server.running() as url, handlers.unread_output():
        return _measured(redis.Redis.from_url(url))


def _measured(client: redis.Redis) -> Result:
    state, queue = LiveState(client, PRECISIONS), _Queue()
    traffic = Traffic(state, DRIVERS)
    wanted = [
        Subscribe(viewport, encoding)
        for viewport, encoding in zip(viewports(VIEWPORTS), list(Encoding) * VIEWPORTS, strict=False)
    ]
    viewers = handlers.module("connections.viewers").Viewers(
        state, Publisher(state, MIN_CELL_DRIVERS), Registry(client), queue, lambda: traffic.now
    )
    numbers = count()
    cpu_s: list[float] = []

    def connection() -> str:
        return f"{next(numbers):015d}="

    def subscribe() -> int:
        started = time.process_time()
        for each in wanted:
            viewers.subscribe(connection(), VIEWER, each)
        cpu_s.append(time.process_time() - started)
        return VIEWPORTS

    def without_copy() -> int:
        registry = Registry(client)
        for each in wanted:
            shown, viewer = each.viewport, connection()
            registry.subscribe(viewer, VIEWER, shown)
            view = state.watch(shown, viewer, each.encoding)
            tiles = Tiles({cell: n for cell, n in view.cells.items() if n})
            frames = Frames(shown.city, shown.precision, view.stamp, tiles, traffic.now)
            registry.viewports(viewer)
            queue.send(jobs([Delivery([viewer], frames.snapshot(shown, each.encoding))]))
        return VIEWPORTS

    def watch() -> int:
        for each in wanted:
            stamp = stamps[each.viewport.precision]
            state.watch(each.viewport, connection(), each.encoding, stamp.rev, stamp.epoch)
        return VIEWPORTS

    first_ms = {}
    for precision in sorted({each.viewport.precision for each in wanted}):
        first = next(each for each in wanted if each.viewport.precision == precision)
        started = time.perf_counter()
        viewers.subscribe(connection(), VIEWER, first)
        first_ms[precision] = round(1000 * (time.perf_counter() - started), 1)
    stamps = {precision: state.view(CITY, precision).stamp for precision in first_ms}
    contestants = {
        "subscribe": Contestant(subscribe),
        "limit": Contestant(watch),
        "no_copy": Contestant(without_copy),
    }
    rates = paired(contestants, ROUNDS)
    return Result(
        name="subscribe",
        value=median(rates["subscribe"]),
        unit="snapshots/s",
        ratios={other: ratio(rates["subscribe"], rates[other]) for other in ("limit", "no_copy")},
        detail={
            "drivers": DRIVERS,
            "viewports": VIEWPORTS,
            "per_second_of_cpu": round(VIEWPORTS / statistics.median(cpu_s)),
            "ms": round(1000 / statistics.median(rates["subscribe"]), 2),
            "first_ever_ms_by_precision": first_ms,
            "rates": {name: [round(rate) for rate in each] for name, each in rates.items()},
            "limit": "the script that makes a viewer of the connection, told of nothing that has changed",
            "no_copy": "reads all cells from Valkey for each viewer",
        },
    )
