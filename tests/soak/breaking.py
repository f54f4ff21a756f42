"""A load under which everything breaks for a while, and what must hold once it is calm again."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from e2e.support import kill
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance
from soak.load import load
from soak.outages import GatewayFaults, Outages
from soak.queues import Queues
from soak.report import show, tell
from soak.settings import SEED, Soak


@dataclass(frozen=True)
class Aftermath:
    """How it was after the calm.

    Attributes:
        received: what viewers have received and how they fared, in all.
        faults: what the gateway broke, by kind.
        killed: processes, by part.
        different: how many viewers have another state than the server.
        misplaced: by how many connections the live state has too many or too few, by viewport.
        left: messages that stay in queues.
        rejected: pings, by reason.
    """

    received: Mapping[str, int]
    faults: Mapping[str, int]
    killed: Mapping[str, int]
    different: int
    misplaced: Mapping[str, int]
    left: Mapping[str, int]
    rejected: Mapping[str, int]

    def findings(self) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.different:
            found.append(f"{self.different:,} viewers do not have what the server has")
        if self.misplaced:
            found.append(f"the live state has other viewers than there are: {self.misplaced}")
        if self.left:
            found.append(f"messages are left in the queues: {self.left}")
        if self.rejected:
            found.append(f"pings were rejected: {self.rejected}")
        return found

    def show(self) -> None:
        """Print the figures."""
        show("Viewers", ("", "number"), self.received.items())
        show("Broken", ("", "number"), [*self.faults.items(), *self.killed.items()])

    def figures(self) -> dict[str, Any]:
        return {"viewers_fared": dict(self.received), "faults": dict(self.faults), "killed": dict(self.killed)}


async def broken(
    stack: Deployment, instance: Instance, city: str, soak: Soak, parts: Iterable[str], *, is_schedule_awaited: bool
) -> Aftermath:
    """Break things for as long as the settings say, and wait for the calm.

    Args:
        parts: to kill, one after the other.
        is_schedule_awaited: whether a broadcaster that was killed is started by the schedule only.
    """
    faults = GatewayFaults(instance)
    outages = Outages(stack, partial(kill, instance), city, Random(SEED), is_schedule_awaited=is_schedule_awaited)
    async with load(stack, city, soak) as running:
        await running.begin()
        await asyncio.to_thread(faults.begin, lose_posts=soak.lost_posts, cut_connections_per_second=soak.cuts_per_s)
        try:
            await outages.go_on(parts, soak.outage_every_s, 60 * soak.minutes)
        finally:
            broke = await asyncio.to_thread(faults.end)
        tell(f"calm from now on; broken were {dict(broke)}, killed {dict(outages.killed)}")
        truth = await running.stand_still()
        different = await running.different(truth)
        received = await running.counters()
        misplaced = await running.misplaced()
        tally = await running.tally()
        await running.leave()
        left = await Queues(stack).left()
    return Aftermath(received, broke, outages.killed, different, misplaced, left, tally["reasons"])
