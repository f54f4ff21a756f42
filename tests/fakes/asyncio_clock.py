"""A clock for coroutines, on which sleeping takes no time but passes it."""

import asyncio

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class FakeAsyncClock:
    """`slept` holds every wait that was asked for, in seconds."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.passed_s

    def wall_ms(self) -> int:
        return START_MS + round(self.passed_s * 1000)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed_s += max(0.0, seconds)
        await asyncio.sleep(0)
