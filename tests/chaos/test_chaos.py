"""Everything breaks under load, for minutes; then every accepted ping is accounted for, and all see the same.

`make chaos` runs it, or `pytest -s tests/chaos`. Its size is set by the environment (`settings.py`), as
`CHAOS_MINUTES=20`. `tests/e2e/test_chaos.py` is a short form.
"""

from itertools import cycle
from random import Random

import pytest

from chaos.harness import prepared, show_account
from chaos.settings import Chaos
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from soak import report
from soak.settings import SEED

CITY = "lagos"
CHAOS = Chaos.from_env("CHAOS")
# Start, the cache's long absence, the last fault, the calm, redriving.
AROUND_S = 1_200


@pytest.mark.timeout(60 * CHAOS.minutes + AROUND_S)
async def test_whatever_breaks_every_accepted_ping_is_accounted_for(stack: Deployment, instance: Instance):
    async with prepared(stack, instance, CITY, CHAOS) as run:
        names = list(run.faults.all)
        Random(SEED).shuffle(names)
        await run.go(cycle(names), is_long=True)

    account = run.account()
    show_account(run, account)
    report.conclude({"run": "chaos", **run.figures, "account": account.figures}, account.findings)
