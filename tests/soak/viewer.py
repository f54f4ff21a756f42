"""A viewer of the load: the real client, and a note of everything that came."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import aiohttp

from fleetglow.client import HeatmapClient, Watch
from fleetglow.errors import BadMessage
from fleetglow.heatmap_view import HeatmapView
from fleetglow.protocol import Delta, Snapshot, decode
from soak.screens import Wanted
from soak.timeline import Timeline

# What is shown of a viewer who ends different from the server.
LAST_TEXTS = 8
CELLS_SHOWN = 20
CHARACTERS_SHOWN = 400


class Viewer:
    """One connection with one viewport.

    Attributes:
        last_texts: the last messages, each with when it came, UTC milliseconds.
        timeline: of the viewport's messages.
    """

    def __init__(self, wanted: Wanted, url: str, token: str, connector: aiohttp.BaseConnector) -> None:
        self.wanted = wanted
        self.last_texts: deque[tuple[int, str]] = deque(maxlen=LAST_TEXTS)
        self.timeline = Timeline()
        # One session each, because a session makes the sockets that note what comes.
        self._session = aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            timeout=aiohttp.ClientTimeout(total=None),
            ws_response_class=partial(_NotingSocket, self.last_texts),  # type: ignore[arg-type]
        )
        self._client = HeatmapClient(url, token, session=self._session)
        self._watch: Watch | None = None

    async def open(self) -> None:
        """Connect, and return once there is something to see."""
        await self._client.__aenter__()
        wanted = self.wanted
        self._watch = self._client.watch(wanted.city, wanted.precision, wanted.bbox, encoding=wanted.encoding)
        feed = self._watch.feed
        feed.changed = partial(self._note, feed.changed)
        async with aclosing(self._watch.views()) as views:
            async for view in views:
                if view.epoch is not None:
                    return

    async def close(self) -> None:
        await self._client.__aexit__(None, None, None)
        await self._session.close()

    @property
    def view(self) -> HeatmapView:
        assert self._watch is not None
        return self._watch.view

    @property
    def is_watching(self) -> bool:
        return self._watch is not None and self.view.epoch is not None

    def counters(self) -> dict[str, int]:
        view, traffic = self.view, self._client.traffic
        return {
            "messages": traffic.messages,
            "bytes": traffic.bytes,
            "garbled": traffic.garbled,
            "frames": view.frames,
            "gaps": view.gaps,
            "resumes": view.resumes,
            "snapshots": view.snapshots,
            "reconnects": max(0, view.connections - 1),
        }

    def difference(self, epoch: str, rev: int, cells: Mapping[str, int]) -> dict[str, Any] | None:
        """What is wrong with the viewer's state; None if it is the server's."""
        view = self.view
        if (view.epoch, view.rev) == (epoch, rev) and view.cells == cells:
            return None
        differing = sorted(cell for cell in view.cells.keys() | cells if view.cells.get(cell) != cells.get(cell))
        return {
            "subscription": self.wanted.subscription,
            "encoding": self.wanted.encoding,
            "link": view.link,
            "at": [view.epoch, view.rev],
            "expected_at": [epoch, rev],
            "differing": len(differing),
            "cells": {cell: [cells.get(cell, 0), view.cells.get(cell, 0)] for cell in differing[:CELLS_SHOWN]},
            "counters": self.counters(),
            "last_messages": [_shown(at, text, differing) for at, text in self.last_texts],
        }

    def _note(self, changed: Callable[[], None]) -> None:
        assert self._watch is not None
        feed = self._watch.feed
        if feed.delay_ms is not None:
            self.timeline.note(_now_ms(), feed.delay_ms, feed.state.rev)
        changed()


class _NotingSocket(aiohttp.ClientWebSocketResponse):
    def __init__(self, last_texts: deque[tuple[int, str]], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._last_texts = last_texts

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:  # noqa: ASYNC109 - aiohttp has it
        message = await super().receive(timeout)
        if message.type is aiohttp.WSMsgType.TEXT:
            self._last_texts.append((_now_ms(), message.data))
        return message


def _shown(at_ms: int, text: str, differing: Iterable[str]) -> dict[str, Any]:
    """A message: how it begins, and what it says of the cells that differ."""
    try:
        message = decode(text)
    except BadMessage:
        message = None
    cells = message.cells if isinstance(message, Snapshot | Delta) else {}
    named = {cell: cells[cell] for cell in differing if cell in cells}
    ago_s = (_now_ms() - at_ms) / 1000
    return {"ago_s": ago_s, "begins": text[:CHARACTERS_SHOWN], "named": dict(list(named.items())[:CELLS_SHOWN])}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def open_all(viewers: Iterable[Viewer], at_once: int) -> None:
    """Open viewers, so many at a time."""
    slots = asyncio.Semaphore(at_once)

    async def open_one(viewer: Viewer) -> None:
        async with slots:
            await viewer.open()

    async with asyncio.TaskGroup() as tasks:
        for viewer in viewers:
            tasks.create_task(open_one(viewer))
