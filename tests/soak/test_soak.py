"""For minutes messages get lost, connections are cut and processes are killed; then it is calm, and all is in step.

`make soak` runs it, or `pytest -s tests/soak/test_soak.py`. Its size is set by the environment (`settings.py`), as
`SOAK_MINUTES=60`. `tests/e2e/test_soak.py` is a short form.
"""

from itertools import cycle

import pytest

from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from soak import report
from soak.breaking import broken
from soak.outages import BROADCAST, DELIVER, VALKEY
from soak.settings import Soak

CITY = "lagos"
SOAK = Soak.from_env("SOAK")
# Start, connecting, the last outage, and the calm.
AROUND_S = 1_200


@pytest.mark.timeout(60 * SOAK.minutes + AROUND_S)
async def test_whatever_breaks_every_viewer_ends_with_what_the_server_holds(stack: Deployment, instance: Instance):
    parts = cycle([DELIVER, DELIVER, VALKEY, DELIVER, BROADCAST])

    after = await broken(stack, instance, CITY, SOAK, parts, is_schedule_awaited=True)

    after.show()
    report.conclude({"run": "soak", **after.figures()}, after.findings())
