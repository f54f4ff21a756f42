"""The short form of `tests/soak/test_soak.py`: everything breaks for a while, then all is in step again."""

import pytest

from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from soak.breaking import broken
from soak.outages import BROADCAST, DELIVER, VALKEY
from soak.settings import Soak

CITY = "san-francisco"
SOAK = Soak(viewers=30, viewports=12, drivers=400, interval_s=2, minutes=0.3, outage_every_s=1, audiences=1)


# Longer than the waits in it, which tell what they waited for.
@pytest.mark.timeout(400)
async def test_messages_connections_and_processes_are_lost_and_every_viewer_ends_in_step(
    stack: Deployment, instance: Instance
):
    parts = [VALKEY, DELIVER, BROADCAST, DELIVER]

    after = await broken(stack, instance, CITY, SOAK, parts, is_schedule_awaited=False)

    assert [] == after.findings()
    assert set(parts) == set(after.killed)
    assert after.faults["posts_lost"] + after.faults["connections_cut"] > 0
