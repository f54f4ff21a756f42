"""Thousands watch ten thousand drivers for minutes: each sees what the server holds, in time, and nothing grows.

`make soak` runs it, or `pytest -s tests/soak/test_scale.py`. `make test` does not: it takes its time and both cores.
Its size is set by the environment (`settings.py`): with `SCALE_VIEWERS=200 SCALE_MINUTES=1` it is over soon.
"""

import pytest

from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from soak import report
from soak.load import Load, load
from soak.measuring import Measured, measured
from soak.queues import Queues
from soak.settings import Scale

CITY = "lagos"
SCALE = Scale.from_env("SCALE")
# Everything around the measured minutes: start, connecting, standing still, leaving.
AROUND_S = 1_200

TICK_MS = 3_000
MOST_TICKS_BEHIND = 2
LEAST_SENT = 0.95
MOST_GROWTH, MOST_GROWTH_MB = 0.05, 10
# In a shorter run every process is still warming up.
GROWTH_MINUTES = 5


@pytest.mark.timeout(60 * SCALE.minutes + AROUND_S)
async def test_every_viewer_sees_what_the_server_holds_and_nothing_grows(stack: Deployment, instance: Instance):
    async with load(stack, CITY, SCALE) as running:
        await running.begin()
        found = await measured(running, instance, CITY, 60 * SCALE.minutes)
        truth = await running.stand_still()
        different = await running.different(truth)
        outcome, findings = await in_time(running, found)
        misplaced = await running.misplaced()
        await running.leave()
        left = await Queues(stack).left()

    findings += grown(found)
    if different:
        findings.append(f"{different:,} viewers do not have what the server has")
    if misplaced:
        findings.append(f"the live state has other viewers than there are: {misplaced}")
    if left:
        findings.append(f"messages are left in the queues: {left}")
    report.conclude(outcome, findings)


async def in_time(running: Load, found: Measured) -> tuple[dict[str, object], list[str]]:
    """The figures of a run, and which of them are wrong."""
    delays, behind, (worst_ms, worst) = await running.timing(found.since_ms, found.probe.samples)
    rates = {
        "pings/s": round(found.accepted / found.seconds, 1),
        "messages/s": round(found.received["messages"] / found.seconds, 1),
        "kB/s": round(found.received["bytes"] / found.seconds / 1000, 1),
    }
    report.show("Each second", ("", "number"), rates.items())
    columns = ("milliseconds", *behind.figures())
    rows = {"a message after the server read the state": delays, "a viewer behind the live state": behind}
    report.show("How late", columns, ((name, *each.figures().values()) for name, each in rows.items()))
    report.show("Viewers", ("", "number"), found.received.items())
    kinds = report.kinds(found.meter.usages(), found.meter.middle)
    report.show_processes(kinds, found.meter.machine_cores)

    findings = []
    limit_ms = MOST_TICKS_BEHIND * TICK_MS
    if late := delays.beyond(limit_ms):
        findings.append(f"{late:,} of {delays.size:,} messages came later than {limit_ms} ms: {delays.figures()}")
    if late := behind.beyond(limit_ms):
        findings.append(
            f"viewers were more than {limit_ms} ms behind in {late:,} of {behind.size:,} looks: {behind.figures()},"
            f" longest {worst_ms} ms in {worst}"
        )
    planned = SCALE.drivers / SCALE.interval_s * found.seconds
    if found.accepted < LEAST_SENT * planned or found.tally["rejected"]:
        findings.append(f"{found.accepted:,} of {planned:,.0f} pings were accepted: {found.tally}")
    outcome = {
        "run": "scale",
        "viewers": SCALE.viewers,
        "viewports": SCALE.viewports,
        "drivers": SCALE.drivers,
        "seconds": round(found.seconds, 1),
        **{name.replace("/", "_per_"): rate for name, rate in rates.items()},
        "post_ms": {"p50": found.tally["p50_ms"], "p99": found.tally["p99_ms"]},
        "delay_ms": delays.figures(),
        "behind_ms": behind.figures(),
        "viewers_fared": dict(found.received),
        "machine_cores": round(found.meter.machine_cores, 2),
        "processes": kinds,
    }
    return outcome, findings


def grown(found: Measured) -> list[str]:
    """The stack's processes that grew by more than they may in the second half of a run."""
    if SCALE.minutes < GROWTH_MINUTES:
        report.tell(f"growth is not judged: a run of {SCALE.minutes:g} minutes is all warming up")
        return []
    findings = []
    for each in found.meter.whole():
        growth_mb = each.growth_mb(found.meter.middle)
        if not each.is_load and growth_mb > MOST_GROWTH * each.middle_mb + MOST_GROWTH_MB:
            findings.append(f"{each.name} ({each.pid}) grew by {growth_mb:.0f} MB from {each.middle_mb:.0f} MB")
    return findings
