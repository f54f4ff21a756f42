"""Time, passed in so that a test can let it pass."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds from some fixed moment; never goes back."""

    def wall_ms(self) -> int:
        """UTC milliseconds."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for a while; a negative time is none."""


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
