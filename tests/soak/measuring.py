"""Measuring a load while it lasts."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from fleetglow.instance import Instance
from fleetglow.local_stack import find
from soak.load import Load
from soak.meter import Meter
from soak.report import tell
from soak.truth import Probe

PROBE_S = 1.0
READING_S = 15.0
# A short run has as many readings as it takes to see a slope.
LEAST_READINGS = 12
TELL_S = 60.0


@dataclass(frozen=True)
class Measured:
    """What a load did in a while.

    Attributes:
        since_ms: when that began, UTC milliseconds.
        seconds: how long it was.
        sent, accepted: pings.
        received: what viewers received, and how they fared.
        tally: of the fleet, since its start.
    """

    since_ms: float
    seconds: float
    sent: int
    accepted: int
    received: Counter[str]
    tally: dict[str, Any]
    meter: Meter
    probe: Probe


async def measured(load: Load, instance: Instance, city: str, seconds: float) -> Measured:
    """Watch a load for a while."""
    process = find(instance)
    assert process is not None
    meter = Meter(process.pid, load.workers)
    probe = Probe(load.client, city, load.viewports)
    since_ms, since = time.time() * 1000, time.monotonic()
    before, received_before = await load.tally(), await load.counters()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_metered(meter, seconds))
        tasks.create_task(_probed(probe, since + seconds))
        tasks.create_task(_told(load, since + seconds))
    after = await load.tally()
    passed_s = (after["at_ms"] - before["at_ms"]) / 1000
    received = await load.counters()
    received.subtract(received_before)
    return Measured(
        since_ms,
        passed_s,
        after["sent"] - before["sent"],
        after["accepted"] - before["accepted"],
        received,
        after,
        meter,
        probe,
    )


async def _metered(meter: Meter, seconds: float) -> None:
    readings = max(LEAST_READINGS, round(seconds / READING_S))
    started = time.monotonic()
    for number in range(readings + 1):
        await asyncio.sleep(max(0.0, started + number * seconds / readings - time.monotonic()))
        await asyncio.to_thread(meter.read)


async def _probed(probe: Probe, until: float) -> None:
    while (now := time.monotonic()) < until:
        await asyncio.to_thread(probe.sample)
        await asyncio.sleep(max(0.0, now + PROBE_S - time.monotonic()))


async def _told(load: Load, until: float) -> None:
    while time.monotonic() + TELL_S < until:
        await asyncio.sleep(TELL_S)
        tally, received = await load.tally(), await load.counters()
        tell(
            f"{tally['accepted']:,} of {tally['sent']:,} pings accepted, {received['frames']:,} frames shown,"
            f" {received['gaps']:,} gaps"
        )
