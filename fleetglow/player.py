"""Plays recorded tracks as if they happened now."""

from collections.abc import Iterable, Iterator
from itertools import batched, groupby

from fleetglow.clock import Clock
from fleetglow.outlet import Run
from fleetglow.sender import Ping
from fleetglow.tracks.fix import Fix
from heatmap.pings import MAX_PINGS

# Pings that fall due within this time go in one request.
SLICE_MS = 250


async def play(fixes: Iterable[Fix], first: int, speed: float, run: Run, clock: Clock) -> None:
    """Lay the earliest fix on now and the others after it, their spacing divided by `speed`; stop when told.

    Args:
        fixes: in the order of their times.
        first: the earliest time, UTC milliseconds.
    """
    started, started_ms = clock.monotonic(), clock.wall_ms()
    for due_ms, slice_ in _slices(fixes, first, speed):
        await run.sleep_until(started + due_ms / 1000, clock)
        for batch in batched(slice_, MAX_PINGS, strict=False):
            if run.is_stopped:
                return
            await run.submit([_ping(fix, started_ms + _offset_ms(fix, first, speed)) for fix in batch])
        run.tell(clock.monotonic() - started)


def _slices(fixes: Iterable[Fix], first: int, speed: float) -> Iterator[tuple[int, Iterator[Fix]]]:
    """The fixes that fall due within each slice of time, with the end of the slice in milliseconds from the start."""
    for number, slice_ in groupby(fixes, key=lambda fix: _offset_ms(fix, first, speed) // SLICE_MS):
        yield (number + 1) * SLICE_MS, slice_


def _offset_ms(fix: Fix, first: int, speed: float) -> int:
    return int((fix.at - first) / speed)


def _ping(fix: Fix, sampled_at: int) -> Ping:
    return Ping(fix.driver_id, sampled_at, round(fix.lat, 6), round(fix.lon, 6), fix.speed, fix.heading, fix.accuracy)
