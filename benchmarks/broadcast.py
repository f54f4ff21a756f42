"""One tick of the broadcaster: three seconds of a fleet's movement, told to everybody who watches some of it.

All of it is real, Valkey and the lease among it, but for the queue, which only counts. The limit is the script that
finds what changed, alone. The peers do as simpler systems do: every tick they read all cells and send them to everybody
as plain JSON, encoded by each viewer's consumer (`json`) or once for all (`json_once`, which costs little to make, and
all the more to deliver: `json_bytes` compares what viewers get).
"""

import json
import statistics
import time
from collections.abc import Iterable
from math import ceil
from typing import Any

import redis

from adapters import valkey
from adapters.city_scripts import CityScripts
from adapters.lease import Lease
from adapters.live_state import TOMBSTONE_MS, LiveState
from adapters.publisher import Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from benchmarks import handlers, valkey_server
from benchmarks.audience import MIN_CELL_DRIVERS, PRECISIONS, VIEWERS_PER_VIEWPORT, seat, viewports
from benchmarks.fleet import CITY, DRIVERS, INTERVAL_S
from benchmarks.result import Contestant, Result, paired, ratio
from benchmarks.traffic import TICK_MS, Traffic
from heatmap.cities import cities
from heatmap.deliveries import Delivery, decode, jobs
from heatmap.frames import Encoding
from heatmap.privacy import FINEST
from heatmap.state import Sent, Tick
from heatmap.viewports import Audience, Viewport, viewport

ROUNDS = 20
# Where it is only about how the time grows.
FEWER_ROUNDS = 10
MANY_DRIVERS = 100_000
VIEWPORTS = 1_000
GROWTH = (100, 300, VIEWPORTS, 3_000)
SETTINGS = BroadcastSettings(tick_ms=TICK_MS, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=1_000_000)

type Row = dict[str, Any]


class _Queue:
    """Takes jobs, and counts.

    Attributes:
        bodies: of the last tick.
        seconds: that packing them took.
    """

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.seconds = 0.0

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        """Take them."""
        started = time.perf_counter()
        self.bodies = list(bodies)
        self.seconds = time.perf_counter() - started

    def bytes_to_viewers(self) -> int:
        """What the deliverer posts for the last tick."""
        deliveries = [delivery for body in self.bodies for delivery in decode(body).deliveries]
        return sum(len(each.connections) * sum(map(len, each.messages)) for each in deliveries)


class _TimedState(LiveState):
    """Notes in `seconds` how long each of the last tick's calls took, and how many cells had changed."""

    seconds: dict[str, float]
    changed_cells: int

    def tick(self, cities: list[str], token: int, due_at: int, now: int, driver_ttl_ms: int) -> dict[str, Tick]:
        started = time.perf_counter()
        ticks = super().tick(cities, token, due_at, now, driver_ttl_ms)
        self.seconds = {"script": time.perf_counter() - started}
        self.changed_cells = sum(len(changes.cells) for tick in ticks.values() for changes in tick.changes)
        return ticks

    def viewers(self, viewports: list[Viewport]) -> list[dict[Encoding, list[str]]]:
        started = time.perf_counter()
        viewers = super().viewers(viewports)
        self.seconds["viewers"] = time.perf_counter() - started
        return viewers

    def note_sent(self, token: int, sent: dict[str, Sent]) -> None:
        started = time.perf_counter()
        super().note_sent(token, sent)
        # Once for each audience.
        self.seconds["noting"] = self.seconds.get("noting", 0) + time.perf_counter() - started


class _TimedPublisher(Publisher):
    """Notes how long publishing took."""

    def __init__(self, state: _TimedState) -> None:
        super().__init__(state, MIN_CELL_DRIVERS)
        self._timed = state

    def publish(self, cities: list[str]) -> list[str]:
        started = time.perf_counter()
        published = super().publish(cities)
        self._timed.seconds["publishing"] = time.perf_counter() - started
        return published


class _Stage:
    """Drivers, viewers, and the broadcaster between them.

    Attributes:
        parts: of each tick so far, in milliseconds.
    """

    def __init__(self, client: redis.Redis, drivers: int) -> None:
        client.flushall()
        self._client = client
        self._lease = Lease(client)
        self._state = _TimedState(client, PRECISIONS)
        self._scripts = CityScripts(client, PRECISIONS)
        self._viewers = 0
        self.queue = _Queue()
        self.traffic = Traffic(self._state, drivers)
        self.parts: list[dict[str, float]] = []
        self._token = self._lease.take(at_least=self.traffic.now)
        self._due_at = self.traffic.now
        self._broadcaster = handlers.module("broadcast.broadcaster").Broadcaster(
            self._state,
            _TimedPublisher(self._state),
            self._lease,
            Registry(client),
            self.queue,
            SETTINGS,
            lambda: self.traffic.now,
            lambda milliseconds: None,
        )

    def seat(self, number: int) -> None:
        """So many viewports have viewers."""
        seat(self._state, viewports(number))
        self._viewers = number * VIEWERS_PER_VIEWPORT

    def seat_public(self) -> None:
        """Somebody without the right to see single drivers watches all of the city."""
        whole = viewport(CITY, FINEST, None, cities(), PRECISIONS).seen_by(Audience.PUBLIC)
        self._state.watch(whole, "000000000000000=", Encoding.DEFLATE)

    def tick(self) -> int:
        """One tick, as the broadcaster's loop makes it.

        The CPU times tell what it takes where other processes do not let it have a core of its own.
        """
        self._due_at += TICK_MS
        if not self._lease.is_current(self._token):
            raise ValueError("expected to be the only broadcaster")
        valkey_before, cpu_before, started = self._valkey_cpu_s(), time.process_time(), time.perf_counter()
        self._broadcaster.tick(self._token, self._due_at)
        total, cpu = time.perf_counter() - started, time.process_time() - cpu_before
        parts = self._state.seconds | {"jobs": self.queue.seconds}
        parts |= {"encoding": total - sum(parts.values()), "total": total}
        parts |= {"cpu": cpu, "cpu_of_valkey": self._valkey_cpu_s() - valkey_before}
        self.parts.append({name: 1000 * seconds for name, seconds in parts.items()})
        return 1

    def script(self) -> int:
        """The script of the tick, which finds what the tick itself will find again."""
        self._due_at += TICK_MS
        now = self.traffic.now
        silent = now - SETTINGS.driver_ttl_ms
        call = self._scripts.call(CITY, self._token, self._due_at, now, silent, TOMBSTONE_MS)
        [answer] = valkey.run(self._client, valkey.script("city", "tick"), [call])
        if answer == [0] or not answer:
            raise ValueError("expected a tick, but it was made already")
        return 1

    def json_once(self) -> int:
        """All cells to everybody, encoded once."""
        everybody = [f"{number:015d}=" for number in range(self._viewers)]
        self.queue.send(jobs([Delivery(everybody, [json.dumps(self._all_cells())])]))
        return 1

    def json_each(self) -> int:
        """All cells to everybody, encoded by each viewer's consumer, as those of Django Channels do."""
        cells = self._all_cells()
        for _ in range(self._viewers):
            json.dumps(cells)
        return 1

    def row(self, rounds: int, script_rates: list[float]) -> Row:
        """What the last rounds measured; times in milliseconds."""
        last = self.parts[-rounds:]
        totals = sorted(parts["total"] for parts in last)
        return {
            "median_ms": _middle(totals),
            "p95_ms": round(totals[ceil(0.95 * rounds) - 1], 1),
            "parts_ms": {name: _middle(parts[name] for parts in last) for name in last[0] if name != "total"},
            "script_alone_ms": _middle(1000 / rate for rate in script_rates),
            "pings": self.traffic.pings,
            "changed_cells": self._state.changed_cells,
            "jobs": len(self.queue.bodies),
            "bytes": sum(map(len, self.queue.bodies)),
        }

    def _valkey_cpu_s(self) -> float:
        used = self._client.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    def _all_cells(self) -> dict[str, int]:
        counts = self._client.hgetall(f"{{{CITY}}}:n:7").items()
        return {valkey.text(cell): int(count) for cell, count in counts if count != b"0"}


def run() -> Result:
    """Measure."""
    handlers.prepare()
    with valkey_server.running() as url, handlers.unread_output():
        return _measured(redis.Redis.from_url(url))


def _measured(client: redis.Redis) -> Result:
    stage = _Stage(client, DRIVERS)
    growth: dict[int, Row] = {}
    ratios: dict[str, float] = {}
    peers: Row = {}
    for number in GROWTH:
        stage.seat(number)
        rates, growth[number] = _ticks(stage, ROUNDS if number == VIEWPORTS else FEWER_ROUNDS)
        if number == VIEWPORTS:
            ratios = {"limit": ratio(rates["tick"], rates["script"])}
            against, peers = _peers(stage)
            ratios |= against
    published = {drivers: _published(client, drivers) for drivers in (DRIVERS, MANY_DRIVERS)}
    many = _Stage(client, MANY_DRIVERS)
    many.seat(VIEWPORTS)
    _, row_of_many = _ticks(many, FEWER_ROUNDS)
    return Result(
        name="broadcast",
        value=growth[VIEWPORTS]["median_ms"],
        unit="ms/tick",
        ratios=ratios,
        detail={
            "drivers": DRIVERS,
            "viewports": VIEWPORTS,
            "viewers_per_viewport": VIEWERS_PER_VIEWPORT,
            "interval_s": INTERVAL_S,
            "tick_ms": TICK_MS,
            f"{DRIVERS}_drivers_by_viewports": growth,
            f"{MANY_DRIVERS}_drivers_by_viewports": {VIEWPORTS: row_of_many},
            "published_by_drivers": published,
            "peers": peers,
            "queue": "counts what it is sent: no network",
            "limit": "EVALSHA of the tick's script with the same changes, answer read but not looked at",
        },
    )


def _ticks(stage: _Stage, rounds: int) -> tuple[dict[str, list[float]], Row]:
    # The script runs before the tick and notes nothing as sent: both find the same.
    rates = paired({"script": Contestant(stage.script, stage.traffic.drive), "tick": Contestant(stage.tick)}, rounds)
    return rates, stage.row(rounds, rates["script"])


def _published(client: redis.Redis, drivers: int) -> Row:
    """What it takes where there is nobody but one viewer of published counts."""
    stage = _Stage(client, drivers)
    stage.seat_public()
    stage.traffic.drive()
    # The first time everything is published.
    stage.tick()
    _, row = _ticks(stage, FEWER_ROUNDS)
    return row


def _peers(stage: _Stage) -> tuple[dict[str, float], Row]:
    """Ours against theirs, and what they took."""
    ticks = Contestant(stage.tick, stage.traffic.drive)
    once = paired({"tick": ticks, "json_once": Contestant(stage.json_once)}, 5)
    bytes_of_json = stage.queue.bytes_to_viewers()
    each = paired({"json": Contestant(stage.json_each), "tick": ticks}, 1)
    bytes_of_ours = stage.queue.bytes_to_viewers()
    return {
        "json": ratio(each["tick"], each["json"]),
        "json_once": ratio(once["tick"], once["json_once"]),
        "json_bytes": round(bytes_of_json / bytes_of_ours, 1),
    }, {
        "json_ms": _middle(1000 / rate for rate in each["json"]),
        "json_once_ms": _middle(1000 / rate for rate in once["json_once"]),
        "bytes_to_viewers": {"ours": bytes_of_ours, "json": bytes_of_json},
    }


def _middle(values: Iterable[float]) -> float:
    return round(statistics.median(values), 1)
