"""A viewport that a client watches, as the views that are seen of it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

from fleetglow.errors import Refused
from fleetglow.feed import Feed
from fleetglow.heatmap_view import HeatmapView, Link


class Watcher(Protocol):
    """Who keeps a feed in step; `fleetglow.client.HeatmapClient` does."""

    @property
    def link(self) -> Link: ...

    @property
    def trouble(self) -> str | None:
        """Why there is no connection at the moment."""

    @property
    def connections(self) -> int:
        """How many connections there were, the present one included."""

    @property
    def is_closed(self) -> bool: ...

    def raise_if_failed(self) -> None:
        """Raise why there will be no more connection; an end in good order is none."""

    def leave(self, watch: "Watch") -> None:
        """It is watched no longer."""


class Watch:
    """A viewport that a client watches, from `HeatmapClient.watch` until `close`.

    Attributes:
        feed: what is known and counted so far, as it changes; for who only wants figures, and no copies of the cells.
            Watches of the same viewport share it.
    """

    def __init__(self, client: Watcher, feed: Feed) -> None:
        self.feed = feed
        self._client = client
        self._is_closed = False
        self._changes = 0
        self._repeats = 0
        self._changed = asyncio.Event()
        self._view = HeatmapView(client.link, feed.precision)
        self._view_of = -1

    @property
    def view(self) -> HeatmapView:
        """What is seen now; its cells are a copy that does not change any more."""
        if self._view_of != self._changes:
            self._view = self._look()
            self._view_of = self._changes
        return self._view

    async def views(self) -> AsyncGenerator[HeatmapView]:
        """The view now, and after every change of it or of the connection, until it is closed.

        Who is slower than the changes sees the latest and none in between.

        Raises:
            Refused: the server does not take the token, or what is asked for.
        """
        seen = -1
        repeats = self._repeats
        shown: HeatmapView | None = None
        while True:
            self._client.raise_if_failed()
            if self.feed.refusal:
                raise Refused(str(self.feed.refusal))
            if self._is_closed or self._client.is_closed:
                return
            if seen == self._changes:
                await self._changed.wait()
                continue
            seen = self._changes
            if shown is None or repeats != self._repeats or not self.view.shows_the_same(shown):
                shown, repeats = self.view, self._repeats
                yield shown

    async def close(self) -> None:
        """Watch it no longer: `views` ends, and the server is told unless another watch shows the same viewport."""
        if not self._is_closed:
            self._is_closed = True
            self._client.leave(self)
            self.notify()

    def show_again(self) -> None:
        """Let `views` yield the view once more, for something else than it has changed."""
        self._repeats += 1
        self.notify()

    def notify(self) -> None:
        """There is something new to see."""
        self._changes += 1
        # Whoever waits goes on; whoever comes later waits for the next.
        self._changed.set()
        self._changed.clear()

    def _look(self) -> HeatmapView:
        feed, state, before = self.feed, self.feed.state, self._view
        return HeatmapView(
            link=self._client.link,
            precision=feed.precision,
            # They change with frames only; most of what is to be seen between two frames is not theirs.
            cells=before.cells if before.frames == state.frames else dict(state.cells),
            subscription=feed.subscription,
            epoch=state.epoch,
            rev=state.rev,
            drivers=state.drivers,
            as_of=state.as_of,
            lag_ms=state.lag_ms,
            delay_ms=feed.delay_ms,
            received_at=feed.received_at,
            heartbeat_s=feed.heartbeat_s,
            min_cell_drivers=feed.min_cell_drivers,
            frames=state.frames,
            snapshots=state.snapshots,
            gaps=state.gaps,
            resumes=feed.resumes,
            connections=self._client.connections,
            trouble=self._client.trouble,
        )
