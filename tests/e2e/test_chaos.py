"""The short form of `tests/chaos`: some things break under load, and every accepted ping is accounted for."""

import pytest

from chaos.harness import prepared
from chaos.settings import Chaos
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance

CITY = "sao-paulo"
CHAOS = Chaos(viewers=20, viewports=8, drivers=300, interval_s=2, minutes=2, outage_every_s=1)
FAULTS = ["aggregate killed", "cache failing", "stream delivered again", "valkey killed", "ingest killed", "cache full"]


# Longer than the waits in it, which tell what they waited for.
@pytest.mark.timeout(600)
async def test_what_breaks_leaves_every_accepted_ping_accounted_for(stack: Deployment, instance: Instance):
    async with prepared(stack, instance, CITY, CHAOS) as run:
        await run.go(FAULTS, is_long=False)

    account = run.account()
    assert [] == account.findings
    assert set(FAULTS) <= set(run.faults.counters)
    assert account.figures["pings accepted"] > 10 * CHAOS.drivers
    assert account.figures["of these unreadable"] > 0
    assert account.figures["pings duplicate, by adversary"] > 0
