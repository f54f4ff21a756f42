"""What is told once and for all, or by a function whenever it is needed."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable

type Told = str | Callable[[], str | Awaitable[str]]


async def told_now(told: Told) -> str:
    """What it is now."""
    if isinstance(told, str):
        return told
    now = told()
    return await now if isawaitable(now) else now
