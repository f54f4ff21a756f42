"""Viewers: who is connected, and what they watch."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.live_state import LiveState
from adapters.observability import Metric, count
from adapters.publisher import Publisher
from adapters.queues import Queue
from adapters.registry import MAX_SUBSCRIPTIONS, Noted, Registry
from heatmap.access import Principal
from heatmap.actions import Subscribe
from heatmap.deliveries import Delivery, jobs
from heatmap.errors import InvalidInput, Literal, TooManyConnections, Unavailable
from heatmap.frames import Frames
from heatmap.mirror import Mirror
from heatmap.state import Stamp
from heatmap.tiles import Tiles
from heatmap.viewports import Audience, Viewport

# Copies of a city's cells that are kept; one of 100,000 drivers at the finest precision takes some 10 MB.
MIRRORS = 16


@dataclass
class Viewers:
    """Connections and their subscriptions.

    Attributes:
        clock: UTC milliseconds.
    """

    state: LiveState
    publisher: Publisher
    registry: Registry
    deliveries: Queue
    clock: Callable[[], int]
    _mirrors: OrderedDict[tuple[str, int, Audience], Mirror] = field(default_factory=OrderedDict)

    @property
    def precisions(self) -> tuple[int, ...]:
        """Those that may be watched, ascending."""
        return self.state.precisions

    def connect(self, connection_id: str, principal: Principal, most: int) -> None:
        """Somebody is there.

        Args:
            most: connections that a principal may have at once; 0 for any number.

        Raises:
            TooManyConnections: the principal has as many others.
            Unavailable: the registry did not answer.
        """
        if self.registry.add(connection_id, principal, most) is Noted.LIMIT:
            raise TooManyConnections(most)

    def subscribe(self, connection_id: str, principal: Principal, wanted: Subscribe) -> Stamp:
        """Watch a viewport from now on; its first frame is on its way. Returns what it shows.

        Raises:
            InvalidInput: the connection has as many as it may.
            Unavailable: the live state or the queue did not answer, or the connection is closed.
        """
        # Whatever is watched must be found again when the connection goes: its record comes first.
        self._note(connection_id, principal, wanted.viewport)
        stamp, messages = self._first_frame(connection_id, wanted)
        if wanted.viewport in self.registry.viewports(connection_id):
            self.deliveries.send(jobs([Delivery([connection_id], messages)]))
        else:
            # Closed or unsubscribed in between: what no record tells of would be posted to for ever.
            self.state.unwatch([wanted.viewport], connection_id)
        return stamp

    def unsubscribe(self, connection_id: str, viewport: Viewport) -> None:
        """Watch a viewport no longer.

        Raises:
            InvalidInput: the connection does not watch it.
        """
        if viewport not in self.registry.viewports(connection_id):
            raise InvalidInput(
                "subscription",
                "one that this connection has",
                viewport.subscription,
                code="unknown_subscription",
            )
        self.state.unwatch([viewport], connection_id)
        self.registry.unsubscribe(connection_id, viewport)
        # Again, for a `subscribe` in between.
        self.state.unwatch([viewport], connection_id)

    def disconnect(self, connection_id: str) -> None:
        """Nobody is there any more: take the connection out of every viewport it watched.

        Raises:
            Unavailable: the registry or the live state did not answer; some of it may be done, and all may be again.
        """
        # Before the record is gone, for a failure in between, and after, for a `subscribe` in between.
        for watched in (self.registry.viewports, self.registry.remove):
            if viewports := watched(connection_id):
                self.state.unwatch(viewports, connection_id)

    def _note(self, connection_id: str, principal: Principal, viewport: Viewport) -> None:
        """Note a subscription, or raise what `subscribe` does."""
        match self.registry.subscribe(connection_id, principal, viewport):
            case Noted.LIMIT:
                raise InvalidInput(
                    "subscribe",
                    f"at most {MAX_SUBSCRIPTIONS} subscriptions on a connection",
                    Literal("one more"),
                    code="too_many_subscriptions",
                )
            case Noted.CLOSED:
                # Nobody hears this, or else somebody who was taken for gone, and may come back in a minute.
                raise Unavailable(f"the connection {connection_id} is closed")

    def _first_frame(self, connection_id: str, wanted: Subscribe) -> tuple[Stamp, list[str]]:
        """Begin to watch, and make the frame that brings the viewer up to date."""
        viewport, encoding = wanted.viewport, wanted.encoding
        if viewport.audience is Audience.PUBLIC:
            self.publisher.publish_unless_watched(viewport.city)
        if wanted.since:
            view = self.state.watch(viewport, connection_id, encoding, wanted.since, wanted.epoch)
            if view.since:
                count(Metric.RESUMES)
                frames = Frames(viewport.city, viewport.precision, view.stamp, Tiles(view.cells), self.clock())
                return view.stamp, frames.delta(viewport, view.since, encoding)
        mirror = self._mirror(viewport)
        view = self.state.watch(viewport, connection_id, encoding, mirror.rev, mirror.epoch)
        mirror.take(view)
        count(Metric.SNAPSHOTS)
        frames = Frames(viewport.city, viewport.precision, view.stamp, mirror.tiles, self.clock())
        return view.stamp, frames.snapshot(viewport, encoding)

    def _mirror(self, viewport: Viewport) -> Mirror:
        place = (viewport.city, viewport.precision, viewport.audience)
        mirror = self._mirrors.setdefault(place, Mirror())
        self._mirrors.move_to_end(place)
        if len(self._mirrors) > MIRRORS:
            self._mirrors.popitem(last=False)
        return mirror
