"""Waiting for what happens soon, with a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object | Awaitable[object]], timeout_s: float = 10.0) -> None:
    """Poll `condition` until its result is truthy."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        value = await result if inspect.isawaitable(result) else result
        if value:
            return
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {getattr(condition, '__name__', condition)}"
        await asyncio.sleep(0.02)
