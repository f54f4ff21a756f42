"""Bytes of the frames that viewers of 10,000 drivers get, each as it goes over the wire, its head and base64 included.

Deltas come from the broadcaster, snapshots from the connections function, both on a real Valkey. Beside them stand
plain JSON, `{"cell":count,…}`, and the limit: the same cells' numbers and counts as two columns of varints, deflated as
small as it gets, without a head and without base64. No protocol of text can have that; it tells what is left.
"""

import json
import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import redis

from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.publisher import Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from benchmarks import handlers, valkey_server
from benchmarks.audience import DESKTOP, MIN_CELL_DRIVERS, PRECISIONS, on_screen
from benchmarks.fleet import CITY, DRIVERS, INTERVAL_S
from benchmarks.result import Result
from benchmarks.traffic import TICK_MS, Traffic
from heatmap.access import principal
from heatmap.actions import Subscribe
from heatmap.cells import ALPHABET, BBox
from heatmap.cities import cities
from heatmap.deliveries import decode
from heatmap.errors import TooLarge
from heatmap.frames import Encoding, Frames
from heatmap.state import View
from heatmap.tiles import Tiles
from heatmap.viewports import Viewport, viewport

TICKS = 30
ZOOM = 13
PLACES: dict[str, BBox | None] = {
    "city": None,
    # Around the middle of Lagos Island, where most journeys end.
    "screen": on_screen(6.455, 3.390, ZOOM),
    # The most drivers that a screen can show: from Victoria Island to Yaba and Surulere.
    "densest_screen": on_screen(6.472, 3.384, ZOOM),
}
SHOWN = (5, 6, 7, 8)
VIEWER = principal({"sub": "viewer"})
SETTINGS = BroadcastSettings(tick_ms=TICK_MS, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=1_000_000)

_TO_BASE_32 = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")

type Cells = Mapping[str, int]


class _Inbox:
    """A queue that keeps what each connection is to get."""

    def __init__(self) -> None:
        self._messages: dict[str, list[str]] = defaultdict(list)

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        """Take jobs."""
        for body in bodies:
            for delivery in decode(body).deliveries:
                for connection in delivery.connections:
                    self._messages[connection] += delivery.messages

    def take(self, connection: str) -> list[str]:
        """A connection's messages since the last time."""
        return self._messages.pop(connection, [])


class _Watched:
    """A viewport with a viewer for each encoding, and what was measured of their frames.

    Attributes:
        view: the cells that their next frames are about.
        figures: by what was measured, one for each frame.
    """

    def __init__(self, name: str, shown: Viewport) -> None:
        self.name = name
        self.shown = shown
        self.view: View
        self.figures: dict[str, list[float]] = defaultdict(list)

    def connection(self, encoding: Encoding) -> str:
        """The viewer that wants an encoding."""
        return f"{self.name}-{self.shown.precision}-{encoding}"

    def note(self, kind: str, inbox: _Inbox, now: int) -> None:
        """Note the bytes of the frames that came, and of what others would make of the same cells."""
        held = {cell: count for cell, count in self.view.cells.items() if count or kind == "delta"}
        for encoding in Encoding:
            delivered = inbox.take(self.connection(encoding))
            if not delivered:
                raise ValueError(f"expected a {kind} of {self.shown.subscription}, got none")
            self.figures[f"{kind}_{encoding}_bytes"].append(sum(map(len, delivered)))
            self.figures[f"{kind}_{encoding}_encode_ms"].append(self._encoding_ms(held, delivered, encoding, now))
        tiles = Tiles(held)
        within = tiles.within(self.shown.tiles)
        cells = {tile + key: count for tile in within for key, count in tiles.counts[tile].items()}
        self.figures[f"{kind}_cells"].append(len(cells))
        self.figures[f"{kind}_plain_json_bytes"].append(len(json.dumps(cells, separators=(",", ":"))))
        self.figures[f"{kind}_limit_bytes"].append(_columns_bytes(cells))

    def _encoding_ms(self, cells: Cells, delivered: list[str], encoding: Encoding, now: int) -> float:
        """How long it takes to make a frame once more, from the city's cells, with nothing that viewports share."""
        prev = json.loads(delivered[0]).get("prev")
        started = time.perf_counter()
        frames = Frames(CITY, self.shown.precision, self.view.stamp, Tiles(cells), now)
        messages = frames.snapshot(self.shown, encoding) if prev is None else frames.delta(self.shown, prev, encoding)
        ended = time.perf_counter()
        # In JSON the cells of a tile stand in the order in which they came.
        if list(map(len, messages)) != list(map(len, delivered)):
            raise ValueError(f"expected the frame that was delivered, {delivered}, got {messages}")
        return 1000 * (ended - started)

    def medians(self) -> dict[str, float]:
        """Of each figure."""
        return {what: round(statistics.median(values), 2) for what, values in sorted(self.figures.items())}


def run(ticks: int = TICKS) -> Result:
    """Measure."""
    handlers.prepare()
    with valkey_server.running() as url, handlers.unread_output():
        return _result(_measured(redis.Redis.from_url(url), ticks), ticks)


def _measured(client: redis.Redis, ticks: int) -> dict[tuple[str, int], _Watched]:
    """What was measured in so many ticks, by place and precision."""
    state, inbox, lease = LiveState(client, PRECISIONS), _Inbox(), Lease(client)
    publisher = Publisher(state, MIN_CELL_DRIVERS)
    traffic = Traffic(state, DRIVERS)

    def now() -> int:
        return traffic.now

    viewers = handlers.module("connections.viewers").Viewers(state, publisher, Registry(client), inbox, now)
    broadcaster = handlers.module("broadcast.broadcaster").Broadcaster(
        state, publisher, lease, Registry(client), inbox, SETTINGS, now, sleep=lambda milliseconds: None
    )
    token = lease.take(at_least=now())
    everything = list(_watched())
    for _ in range(ticks):
        for watched in everything:
            for encoding in Encoding:
                viewers.subscribe(watched.connection(encoding), VIEWER, Subscribe(watched.shown, encoding))
            watched.view = state.view(CITY, watched.shown.precision)
            watched.note("snapshot", inbox, now())
        traffic.drive()
        for watched in everything:
            stamp = watched.view.stamp
            watched.view = state.view(CITY, watched.shown.precision, stamp.rev, stamp.epoch)
        broadcaster.tick(token, now())
        for watched in everything:
            watched.note("delta", inbox, now())
    return {(watched.name, watched.shown.precision): watched for watched in everything}


def _watched() -> Iterator[_Watched]:
    """The places, at each precision at which they may be watched."""
    for name, box in PLACES.items():
        for precision in SHOWN:
            try:
                yield _Watched(name, viewport(CITY, precision, box, cities(), PRECISIONS))
            except TooLarge:
                continue


def _result(everything: dict[tuple[str, int], _Watched], ticks: int) -> Result:
    headline = everything["city", 7].figures
    ours = headline["delta_deflate_bytes"]
    return Result(
        name="frames",
        value=statistics.median(ours),
        unit="bytes",
        ratios={
            "json": _ratio(headline["snapshot_plain_json_bytes"], ours),
            "json_of_changes": _ratio(headline["delta_plain_json_bytes"], ours),
            "limit": _ratio(headline["delta_limit_bytes"], ours),
        },
        detail={
            "drivers": DRIVERS,
            "interval_s": INTERVAL_S,
            "tick_ms": TICK_MS,
            "ticks": ticks,
            "value": "median of the whole city's delta at precision 7, deflated, as sent",
            "json": "plain JSON of all cells of the city, as systems without deltas send every tick",
            "json_of_changes": "plain JSON of the cells of the delta",
            "limit": "cell numbers and counts of the delta in columns of varints, deflated: no head, no base64",
            "screens": {name: _screen(box) for name, box in PLACES.items() if box},
            "medians_by_place_and_precision": {
                name: {precision: each.medians() for (place, precision), each in everything.items() if place == name}
                for name in PLACES
            },
            "city_at_precision_8": "has more tiles than a viewport may have",
        },
    )


def _screen(box: BBox) -> dict[str, Any]:
    corners = [round(degrees, 4) for degrees in (box.south, box.west, box.north, box.east)]
    return {"pixels": DESKTOP, "zoom": ZOOM, "south_west_north_east": corners}


def _ratio(theirs: list[float], ours: list[float]) -> float:
    return round(statistics.median(theirs) / statistics.median(ours), 2)


def _columns_bytes(cells: Cells) -> int:
    """Cells by number, each as its distance from the one before, then their counts."""
    # Python's digits of base 32 are others, but as many.
    by_number = sorted((int(cell.translate(_TO_BASE_32), 32), count) for cell, count in cells.items())
    distances = [after - before for (before, _), (after, _) in pairwise([(0, 0), *by_number])]
    columns = b"".join(_varint(number) for number in (*distances, *(count for _, count in by_number)))
    return min(len(_deflated(columns, strategy)) for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _deflated(data: bytes, strategy: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return deflate.compress(data) + deflate.flush()
