"""The broadcaster's rounds: tick by tick, as long as it holds the lease."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.observability import count, flush, logger, milliseconds
from adapters.queues import Queue
from adapters.settings import BroadcastSettings
from heatmap.deliveries import Delivery, jobs, waves
from heatmap.errors import StaleLease, Unavailable
from heatmap.frames import Encoding, Frames
from heatmap.state import Sent, Tick
from heatmap.tiles import Tiles
from heatmap.viewports import Viewport, from_extent


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


@dataclass
class Broadcaster:
    """Makes ticks at whole multiples of the tick's length, so that whoever holds the lease keeps the same beat.

    Attributes:
        clock: UTC milliseconds.
        sleep: for so many milliseconds.
    """

    state: LiveState
    lease: Lease
    deliveries: Queue
    settings: BroadcastSettings
    clock: Callable[[], int]
    sleep: Callable[[int], None]
    _told: _Told = field(default_factory=_Told)

    def run(self, until: int) -> int:
        """Tick until a time, or until another broadcaster takes over; say how many ticks were made."""
        token = self.lease.take(at_least=self.clock())
        made = 0
        number = self.clock() // self.settings.tick_ms
        while True:
            # A tick that took too long skips the beats it missed: the next frame holds all that changed.
            number = max(number + 1, self.clock() // self.settings.tick_ms)
            due = number * self.settings.tick_ms
            if due > until:
                return made
            self.sleep(max(0, due - self.clock()))
            try:
                if not self.lease.is_current(token):
                    return made
                self.tick(token, number)
                made += 1
                flush()
            except StaleLease:
                return made
            except Unavailable as error:
                # The next tick sends what this one could not: nothing was noted as sent.
                logger.warning("tick failed", tick=number, reason=str(error))
                count("ticks_failed")

    def tick(self, token: int, number: int) -> None:
        """Make one round: sweep, and send every viewport what changed in it."""
        started = self.clock()
        ticks = self.state.tick(self.state.cities(), token, number, started, self.settings.driver_ttl_ms)
        due, sent, told = self._due(ticks, started)
        if due:
            self._send(due)
        # Only now: what could not be sent is still to be told.
        self._told = told
        self.state.note_sent(token, sent)
        count("ticks")
        count("drivers_swept", sum(tick.swept for tick in ticks.values()))
        milliseconds("tick_duration", self.clock() - started)

    def _due(self, ticks: dict[str, Tick], now: int) -> tuple[list[_Due], dict[str, Sent], _Told]:
        """The viewports that are to be sent something: a delta, or a heartbeat where nothing changed for long."""
        due: list[_Due] = []
        sent: dict[str, Sent] = {}
        # Cities that another broadcaster has just ticked keep what is known of them.
        told = _Told(
            {name: at for name, at in self._told.sent_at.items() if name.partition("/")[0] not in ticks},
            dict(self._told.epochs),
        )
        for city, tick in ticks.items():
            # After a rebirth every viewer must hear of the new epoch, even where nothing moves.
            reborn = self._told.epochs.get(city, tick.stamp.epoch) != tick.stamp.epoch
            told.epochs[city] = tick.stamp.epoch
            for changes in tick.changes:
                frames = Frames(city, changes.precision, tick.stamp, Tiles(changes.cells), now)
                changed: list[str] = []
                for extent, prev in changes.viewports.items():
                    viewport = from_extent(city, changes.precision, extent)
                    name = viewport.subscription
                    # One that is not known may have been quiet for long under the broadcaster before.
                    last = self._told.sent_at.get(name, 0)
                    if frames.touch(viewport):
                        due.append(_Due(viewport, prev, frames, is_changed=True))
                        changed.append(extent)
                        last = now
                    elif reborn or now - last >= self.settings.heartbeat_ms:
                        due.append(_Due(viewport, prev, frames, is_changed=False))
                        last = now
                    told.sent_at[name] = last
                sent.setdefault(city, Sent(tick.stamp, {})).extents[changes.precision] = changed
        return due, sent, told

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
        for second, wave in enumerate(waves(deliveries, self.settings.posts_per_second)):
            self.deliveries.send(jobs(wave), delay_s=min(second, latest_s))
        count("frames", sum(len(delivery.connections) for delivery in deliveries))
