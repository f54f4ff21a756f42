"""The broadcaster's rounds: tick by tick, as long as it holds the lease."""

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.observability import count, flush, logger, milliseconds
from adapters.queues import Queue
from adapters.settings import BroadcastSettings
from heatmap.deliveries import Delivery, jobs
from heatmap.errors import StaleLease, Unavailable
from heatmap.frames import deltas, heartbeat
from heatmap.state import Tick
from heatmap.viewports import Viewport, from_subscription


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
    # When each subscription was last sent something; forgetting it costs a heartbeat too many.
    _sent_at: dict[str, int] = field(default_factory=dict)
    _epochs: dict[str, str] = field(default_factory=dict)

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
        messages = self._messages(ticks, started)
        if messages:
            viewports = list(messages)
            deliveries = [
                Delivery(connections, messages[viewport])
                for viewport, connections in zip(viewports, self.state.viewers(viewports), strict=True)
                if connections
            ]
            self.deliveries.send(jobs(deliveries))
            count("frames", sum(len(delivery.connections) for delivery in deliveries))
        self.state.note_sent(token, {city: tick for city, tick in ticks.items() if tick.changes})
        count("ticks")
        count("drivers_swept", sum(tick.swept for tick in ticks.values()))
        milliseconds("tick_duration", self.clock() - started)

    def _messages(self, ticks: dict[str, Tick], now: int) -> dict[Viewport, list[str]]:
        """What each watched viewport is to be sent: its delta, a heartbeat, or nothing."""
        messages: dict[Viewport, list[str]] = {}
        watched: dict[str, int] = {}
        for city, tick in ticks.items():
            # After a rebirth every viewer must hear of the new epoch, even where nothing moves.
            reborn = self._epochs.get(city, tick.stamp.epoch) != tick.stamp.epoch
            self._epochs[city] = tick.stamp.epoch
            for changes in tick.changes:
                changed = deltas(city, tick.stamp, changes, now)
                for extent in changes.viewports:
                    viewport = from_subscription(f"{city}/{changes.precision}/{extent}")
                    name = viewport.subscription
                    last = self._sent_at.get(name, now)
                    if extent in changed:
                        messages[viewport] = changed[extent]
                        last = now
                    elif reborn or now - last >= self.settings.heartbeat_ms:
                        messages[viewport] = [heartbeat(city, changes.precision, tick.stamp, now)]
                        last = now
                    watched[name] = last
        self._sent_at = watched
        return messages
