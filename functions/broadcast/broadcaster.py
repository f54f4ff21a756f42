"""The broadcaster's rounds: tick by tick, as long as it holds the lease."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.observability import Metric, count, flush, logger, milliseconds
from adapters.publisher import Publisher
from adapters.queues import Queue
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from heatmap.deliveries import Delivery, endings, jobs, waves
from heatmap.errors import StaleLease, Unavailable
from heatmap.frames import Encoding, Frames
from heatmap.state import Sent, Tick
from heatmap.tiles import Tiles
from heatmap.viewports import Audience, Viewport, from_extent

# Connections closed in a tick, or as many as leave half of a second's posts for frames: tokens that were made together
# end together, and closing counts against the quota of posts.
MAX_ENDS = 1_000
END_AGAIN_MS = 30_000


class _Due(NamedTuple):
    """A viewport that is to be sent something, and what it builds on."""

    viewport: Viewport
    prev: int
    frames: Frames
    is_changed: bool

    def messages(self, encoding: Encoding) -> list[str]:
        if self.is_changed:
            return self.frames.delta(self.viewport, self.prev, encoding)
        return [self.frames.heartbeat(self.viewport, self.prev)]


@dataclass
class _Told:
    """What a broadcaster remembers of the ticks before; forgetting it costs a heartbeat too many.

    Attributes:
        sent_at: when each subscription was last sent something, UTC milliseconds.
        epochs: by city.
    """

    sent_at: dict[str, int] = field(default_factory=dict)
    epochs: dict[str, str] = field(default_factory=dict)

    def of(self, cities: set[str]) -> "_Told":
        """What is remembered of some cities."""
        return _Told(
            {name: at for name, at in self.sent_at.items() if name.partition("/")[0] in cities},
            {city: epoch for city, epoch in self.epochs.items() if city in cities},
        )


class _Round(NamedTuple):
    """What a tick is for an audience.

    Attributes:
        told: what is to be remembered of it.
    """

    ticks: dict[str, Tick]
    due: list[_Due]
    sent: dict[str, Sent]
    told: _Told


@dataclass
class Broadcaster:
    """Makes ticks at whole multiples of the tick's length, so that whoever holds the lease keeps the same beat.

    Attributes:
        clock: UTC milliseconds.
        sleep: for so many milliseconds.
    """

    state: LiveState
    publisher: Publisher
    lease: Lease
    registry: Registry
    deliveries: Queue
    settings: BroadcastSettings
    clock: Callable[[], int]
    sleep: Callable[[int], None]
    # Connections that are closed in this tick.
    _ending: int = 0
    _told: dict[Audience, _Told] = field(default_factory=lambda: {audience: _Told() for audience in Audience})

    def run(self, until: int) -> int:
        """Tick until a time, or until another broadcaster takes over; say how many ticks were made."""
        token = self.lease.take(at_least=self.clock())
        made = 0
        number = self.clock() // self.settings.tick_ms
        while True:
            # A tick that took too long skips the beats it missed: the next frame holds all that changed.
            number = max(number + 1, self.clock() // self.settings.tick_ms)
            due_at = number * self.settings.tick_ms
            if due_at > until:
                return made
            self.sleep(max(0, due_at - self.clock()))
            try:
                if not self.lease.is_current(token):
                    return made
                self.end_overdue()
                self.tick(token, due_at)
                made += 1
            except StaleLease:
                return made
            except Unavailable as error:
                # The next tick sends what this one could not: nothing was noted as sent.
                logger.warning("tick failed", tick=due_at, reason=str(error))
                count(Metric.TICKS_FAILED)
            finally:
                # Also in an outage, of which one wants to hear while it lasts.
                flush()

    def tick(self, token: int, due_at: int) -> None:
        """Make the round that is due at a time: sweep, and send every viewport what changed in it."""
        started = self.clock()
        # First the exact one: what it sweeps is not published any more.
        rounds = {audience: self._round(audience, token, due_at, started) for audience in Audience}
        if due := [each for made in rounds.values() for each in made.due]:
            self._send(due)
        # Only now: what could not be sent is still to be told.
        for audience, made in rounds.items():
            self._told[audience] = made.told
            self.state.note_sent(token, made.sent)
        ticks = rounds[Audience.EXACT].ticks
        count(Metric.TICKS)
        # By the revisions somebody finds the frame that shows a ping. Where nobody watches there is none.
        log = logger.info if due else logger.debug
        shown = {each.viewport.city for each in due}
        revs = {city: each.stamp.rev for city, each in ticks.items() if city in shown}
        log("tick", tick=due_at, revs=revs, viewports=len(due))
        count(Metric.DRIVERS_SWEPT, sum(tick.swept for tick in ticks.values()))
        milliseconds(Metric.TICK_DURATION, self.clock() - started)

    def end_overdue(self) -> None:
        """Have the connections closed whose token is over, and those forgotten that must have ended unheard."""
        now = self.clock()
        self._ending = 0
        try:
            if overdue := self.registry.overdue(now, max(1, min(MAX_ENDS, self.settings.posts_per_second // 2))):
                self.deliveries.send(endings(overdue))
                self._ending = len(overdue)
                # Whoever is closed is forgotten; the others are to be asked for again, but not at every tick.
                self.registry.postpone(overdue, now + END_AGAIN_MS)
        except Unavailable as error:
            # The frames go on without it, and the next tick tries again.
            logger.warning("overdue connections not closed", reason=str(error))
            count(Metric.UNAVAILABLE)

    def _round(self, audience: Audience, token: int, due_at: int, now: int) -> _Round:
        """What an audience is to be sent: deltas, and heartbeats where nothing changed for long."""
        cities = self.state.cities(audience)
        if audience is Audience.PUBLIC:
            # Of one that could not be published nothing is told in this tick; the next goes on from the one before.
            ticks = self.state.tick_published(self.publisher.publish(cities), token, due_at, now)
        else:
            ticks = self.state.tick(cities, token, due_at, now, self.settings.driver_ttl_ms)
        before = self._told[audience]
        # Cities that another broadcaster has just ticked keep what is known of them; those that are no more do not.
        told = before.of(set(cities) - ticks.keys())
        due: list[_Due] = []
        sent: dict[str, Sent] = {}
        for city, tick in ticks.items():
            # After a rebirth every viewer must hear of the new epoch, even where nothing moves.
            reborn = before.epochs.get(city, tick.stamp.epoch) != tick.stamp.epoch
            told.epochs[city] = tick.stamp.epoch
            for changes in tick.changes:
                frames = Frames(city, changes.precision, tick.stamp, Tiles(changes.cells), now)
                changed: list[str] = []
                for extent, prev in changes.viewports.items():
                    viewport = from_extent(city, changes.precision, extent, audience)
                    name = viewport.subscription
                    # One that is not known may have been quiet for long under the broadcaster before.
                    last = before.sent_at.get(name, 0)
                    if frames.touch(viewport):
                        due.append(_Due(viewport, prev, frames, is_changed=True))
                        changed.append(extent)
                        last = now
                    elif reborn or now - last >= self.settings.heartbeat_ms:
                        due.append(_Due(viewport, prev, frames, is_changed=False))
                        last = now
                    told.sent_at[name] = last
                sent.setdefault(city, Sent(tick.stamp, {}, audience)).extents[changes.precision] = changed
        return _Round(ticks, due, sent, told)

    def _send(self, due: list[_Due]) -> None:
        """Encode what viewers want, as they want it, and pass it on to be delivered."""
        viewers = self.state.viewers([each.viewport for each in due])
        deliveries = [
            Delivery(connections, each.messages(encoding))
            for each, by_encoding in zip(due, viewers, strict=True)
            for encoding, connections in by_encoding.items()
        ]
        # Whoever comes later waits a second for each wave before, but never so long that the next tick overtakes.
        latest_s = self.settings.tick_ms // 1000 - 1
        # Closing a connection counts as a post.
        posts = max(1, self.settings.posts_per_second - self._ending)
        for second, wave in enumerate(waves(deliveries, posts)):
            self.deliveries.send(jobs(wave), delay_s=min(second, latest_s))
        count(Metric.FRAMES, sum(len(delivery.connections) for delivery in deliveries))
