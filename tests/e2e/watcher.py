"""A viewer with the client of ours, to compare with what the server holds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from adapters.live_state import LiveState
from fleetglow.client import HeatmapClient, Watch
from fleetglow.deployment import Deployment
from fleetglow.heatmap_view import HeatmapView
from fleetglow.protocol import Encoding

PATIENCE_S = 60


class Watcher:
    """A viewer that notes every view it was shown."""

    def __init__(self) -> None:
        self.views: list[HeatmapView] = []

    @property
    def view(self) -> HeatmapView:
        return self.views[-1]

    async def follow(self, watch: Watch) -> None:
        async for view in watch.views():
            self.views.append(view)

    async def until(self, condition: Callable[[HeatmapView], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.views or not condition(self.view):  # noqa: ASYNC110 - it may depend on the server as well
                await asyncio.sleep(0.05)


@asynccontextmanager
async def watching(
    stack: Deployment, city: str, precision: int = 7, encoding: Encoding = "deflate"
) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    token = stack.token("heatmap:read drivers:read", "viewer", 3600)
    async with HeatmapClient(stack.websocket_url, token) as client:
        task = asyncio.create_task(watcher.follow(client.watch(city, precision, encoding=encoding)))
        try:
            await watcher.until(lambda view: view.epoch is not None)
            yield watcher
        finally:
            task.cancel()


def held(state: LiveState, city: str, precision: int = 7) -> dict[str, int]:
    """What a viewer of a whole city should see."""
    return {cell: n for cell, n in state.view(city, precision).cells.items() if n}
