"""One run of traffic as its source sees it: whom to give pings to, whether to stop, whom to tell."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from fleetglow.clock import Clock
from fleetglow.sender import Ping, Tally

# Recordings have gaps of hours; Ctrl-C must not wait for their end.
CHECK_S = 0.25


class Outlet(Protocol):
    """Takes pings; `fleetglow.sender.Sender` is one."""

    tally: Tally

    def submit(self, pings: list[Ping]) -> Awaitable[None]: ...


class Run:
    """A source of traffic submits pings, asks now and then whether to stop, and tells how far it is."""

    def __init__(self, outlet: Outlet, tell: Callable[[float, Tally], None]) -> None:
        self.submit = outlet.submit
        self.is_stopped = False
        self._outlet = outlet
        self._tell = tell

    def stop(self) -> None:
        self.is_stopped = True

    async def sleep_until(self, moment: float, clock: Clock) -> None:
        """Wait until the clock's `monotonic` is at that moment, or the run is stopped."""
        while not self.is_stopped and (left := moment - clock.monotonic()) > 0:
            await clock.sleep(min(left, CHECK_S))

    def tell(self, passed_s: float) -> None:
        """Say that this much of the run's time has passed."""
        self._tell(passed_s, self._outlet.tally)
