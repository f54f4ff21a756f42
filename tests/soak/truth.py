"""What the live state holds, asked of itself: the measure of what viewers are shown."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import cast

import msgspec
import redis

from adapters.live_state import LiveState
from heatmap.cells import TILE_CHARACTERS
from heatmap.errors import Unavailable
from heatmap.state import Conservation
from heatmap.viewports import Viewport

SETTLED_S = 120.0
POLL_S = 0.5


class Held(msgspec.Struct, frozen=True):
    """What viewports hold at one revision: drivers by cell, without empty cells."""

    epoch: str
    rev: int
    cells: dict[str, dict[str, int]]


async def eventually[T](what: str, ask: Callable[[], T | None], seconds: float, poll_s: float = POLL_S) -> T:
    """The first answer that is true, asked for in a thread.

    Raises:
        TimeoutError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while not (answer := await asyncio.to_thread(ask)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(poll_s)
    return answer


class Stillness:
    """Tells when a fleet that stands still has been counted to the last ping.

    Args:
        drivers: who must be live.
        still_ms: from when on all pings were of standing drivers, UTC milliseconds.
        interval_s: in which each driver pings once.
    """

    def __init__(self, state: LiveState, city: str, drivers: int, still_ms: int, interval_s: float) -> None:
        self._state = state
        self._city = city
        self._drivers = drivers
        self._still_ms = still_ms
        self._interval_s = interval_s
        self._last: Conservation | None = None
        self._since = 0.0

    def __call__(self) -> Conservation | None:
        """The state, once it has been the same for longer than every driver takes to ping again."""
        now = time.monotonic()
        try:
            found = self._state.check([self._city])[self._city]
        except Unavailable:
            return None
        if self._last is None or found.stamp.rev != self._last.stamp.rev or found.stamp.epoch != self._last.stamp.epoch:
            self._since = now
        self._last = found
        is_past = found.stamp.last_event > self._still_ms + 1000 * self._interval_s
        is_same = now - self._since > self._interval_s + 1
        return found if is_past and is_same and found.exact and found.stamp.live == self._drivers else None

    def __str__(self) -> str:
        return f"{self._drivers:,} standing drivers counted, and nothing changing any more; found {self._last}"


def held(state: LiveState, viewports: Iterable[Viewport]) -> Held:
    """What viewports of one city hold; the state must not change meanwhile.

    Raises:
        RuntimeError: it did.
    """
    by_precision: dict[int, list[Viewport]] = defaultdict(list)
    for viewport in viewports:
        by_precision[viewport.precision].append(viewport)
    stamps = set()
    cells: dict[str, dict[str, int]] = {}
    for precision, some in by_precision.items():
        view = state.view(some[0].city, precision)
        stamps.add((view.stamp.epoch, view.stamp.rev))
        tiles: dict[str, dict[str, int]] = defaultdict(dict)
        for cell, count in view.cells.items():
            if count:
                tiles[cell[:-TILE_CHARACTERS]][cell] = count
        for viewport in some:
            within = (counts for tile, counts in tiles.items() if viewport.tiles.holds(tile))
            cells[viewport.subscription] = {cell: n for counts in within for cell, n in counts.items()}
    if len(stamps) != 1:
        raise RuntimeError(f"the state changed while it was read: {sorted(stamps)}")
    [(epoch, rev)] = stamps
    return Held(epoch, rev, cells)


class Probe:
    """Notes again and again which revision each viewport of a city is at in the live state.

    Attributes:
        samples: for each viewport, times (UTC milliseconds) and the newest revision of a cell in it at that time.
    """

    def __init__(self, client: redis.Redis, city: str, viewports: Mapping[str, Viewport]) -> None:
        self.samples: dict[str, list[tuple[float, int]]] = {name: [] for name in viewports}
        self._client = client
        self._city = city
        self._by_precision: dict[int, list[Viewport]] = defaultdict(list)
        for viewport in viewports.values():
            self._by_precision[viewport.precision].append(viewport)
        self._covering: dict[str, list[str]] = {}
        self._newest: dict[int, float] = {}

    def sample(self) -> None:
        """Look once. What changed while we looked counts as there before."""
        now_ms = time.time() * 1000
        for precision, viewports in self._by_precision.items():
            newest: dict[str, float] = {}
            for cell, rev in self._changed(precision):
                tile = cell[:-TILE_CHARACTERS]
                if tile not in self._covering:
                    self._covering[tile] = [each.subscription for each in viewports if each.tiles.holds(tile)]
                for name in self._covering[tile]:
                    newest[name] = max(rev, newest.get(name, 0))
            for name, rev in newest.items():
                self.samples[name].append((now_ms, int(rev)))

    def _changed(self, precision: int) -> list[tuple[str, float]]:
        """Cells and their revisions, ascending, that changed since the last look."""
        key = f"{{{self._city}}}:r:{precision}"
        if precision not in self._newest:
            # What was there before the first look is nobody's delay.
            last = _scored(self._client.zrange(key, -1, -1, withscores=True))
            self._newest[precision] = last[0][1] if last else 0.0
        newer_than = f"({self._newest[precision]:.0f}"
        changed = _scored(self._client.zrangebyscore(key, newer_than, "+inf", withscores=True))
        if changed:
            self._newest[precision] = changed[-1][1]
        return [(cell.decode(), rev) for cell, rev in changed]


def _scored(answer: object) -> list[tuple[bytes, float]]:
    """Members with their scores; the client's types leave open what it answers with."""
    return cast("list[tuple[bytes, float]]", answer)
