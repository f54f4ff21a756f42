"""Viewers, in a process of their own.

Requests: {"do": "watch", "websocket_url", "token", "viewers": […], "at_once"}: connect them
{"do": "progress"}: how many see something
{"do": "counters"}: what they have received and how they fared, in all
{"do": "timing", "since_ms", "samples": {viewport: [[time, revision], …]}}: how late messages and contents were
{"do": "compare", "epoch", "rev", "cells": {viewport: {cell: drivers}}}: who has another state than that
"""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from soak.distribution import Distribution
from soak.lines import answer, requests
from soak.screens import Wanted
from soak.viewer import Viewer, open_all

# Shown in full, of those who have a state of their own.
DIFFERENT_SHOWN = 3


class Audience:
    """Some viewers."""

    def __init__(self) -> None:
        self._viewers: list[Viewer] = []
        self._opening: asyncio.Task[None] | None = None

    def watch(self, order: dict[str, Any], connector: aiohttp.BaseConnector) -> dict[str, int]:
        wanted = msgspec.convert(order["viewers"], list[Wanted])
        self._viewers = [Viewer(each, order["websocket_url"], order["token"], connector) for each in wanted]
        self._opening = asyncio.create_task(open_all(self._viewers, order["at_once"]))
        return {}

    def progress(self) -> dict[str, int]:
        if self._opening is not None and self._opening.done():
            self._opening.result()
        return {"watching": sum(viewer.is_watching for viewer in self._viewers)}

    def counters(self) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for viewer in self._viewers:
            sums.update(viewer.counters())
        return dict(sums)

    def timing(self, since_ms: float, samples: Mapping[str, Sequence[tuple[float, int]]]) -> dict[str, Any]:
        delays, behind = Distribution(), Distribution()
        # The viewer who was furthest behind, and how far.
        worst = (0, "")
        now = time.time() * 1000
        for viewer in self._viewers:
            name = viewer.wanted.subscription
            own = viewer.timeline.behind(samples.get(name, ()), now)
            worst = max(worst, (own.longest_ms, name))
            behind.update([own])
            delays.update([viewer.timeline.delays(since_ms)])
        return {"delays": delays.counts, "behind": behind.counts, "worst": worst}

    def compare(self, epoch: str, rev: int, cells: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        found = [viewer.difference(epoch, rev, cells[viewer.wanted.subscription]) for viewer in self._viewers]
        different = [each for each in found if each is not None]
        return {"equal": len(found) - len(different), "different": different[:DIFFERENT_SHOWN]}

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        await asyncio.gather(*(viewer.close() for viewer in self._viewers))


async def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    audience = Audience()
    async with aiohttp.TCPConnector(limit=0) as connector:
        async for request in requests():
            match request.pop("do"):
                case "watch":
                    answer(audience.watch(request, connector))
                case "progress":
                    answer(audience.progress())
                case "counters":
                    answer(audience.counters())
                case "timing":
                    answer(audience.timing(**request))
                case "compare":
                    answer(audience.compare(**request))
        await audience.close()


if __name__ == "__main__":
    asyncio.run(main())
