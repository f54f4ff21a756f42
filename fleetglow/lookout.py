"""A viewport at the precision that suits the window it is seen through, which may change."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from fleetglow.client import HeatmapClient, Hello, Watch
from fleetglow.heatmap_view import HeatmapView
from heatmap.cells import BBox


class Lookout:
    """Watches a city, or a box in it.

    Args:
        precision: which of those that the server offers is wanted at the moment.
    """

    def __init__(
        self, client: HeatmapClient, city: str, bbox: BBox | None, precision: Callable[[tuple[int, ...]], int]
    ) -> None:
        self._client = client
        self._city = city
        self._bbox = bbox
        self._precision = precision
        self._watch: Watch | None = None

    def look_again(self) -> None:
        """Another precision may be wanted now."""
        if self._watch:
            self._watch.show_again()

    async def views(self) -> AsyncGenerator[HeatmapView]:
        """What is seen, from the first moment on. What was seen stays until the first frame at another precision is in.

        Raises:
            Refused: the server does not take the token, or what is asked for.
        """
        hello = asyncio.create_task(self._client.hello())
        try:
            async for seen in self._until(hello):
                yield seen
            offered = (await hello).precisions
        finally:
            hello.cancel()
        while True:
            wanted = self._precision(offered)
            self._watch = self._client.watch(self._city, wanted, self._bbox)
            async with aclosing(self._watch.views()) as views:
                async for view in views:
                    seen = view if view.epoch is not None else replace(seen, link=view.link, trouble=view.trouble)
                    yield seen
                    if self._precision(offered) != wanted:
                        break
                else:
                    return
            await self._watch.close()

    async def _until(self, answered: asyncio.Task[Hello]) -> AsyncGenerator[HeatmapView]:
        """How it stands with the connection, until the server has said what it has, or does not take us."""
        turned = self._client.turned
        while not answered.done():
            turned.clear()
            yield HeatmapView(self._client.link, precision=0, trouble=self._client.trouble)
            turn = asyncio.create_task(turned.wait())
            try:
                await asyncio.wait([answered, turn], return_when=asyncio.FIRST_COMPLETED)
            finally:
                turn.cancel()
