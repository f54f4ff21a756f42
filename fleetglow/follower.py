"""Posts to a stack that may be ended and started again meanwhile, which gives it another URL and another secret."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Self

from fleetglow.clock import Clock
from fleetglow.errors import NotRunning
from fleetglow.sender import Answer, Post

# Each look asks LocalStack, and many requests may fail at a time.
LOOK_EVERY_S = 1.0
# What a stack answers that does not know the token, and LocalStack where there is no such API any more; as long as it
# starts it answers 200 to anything, where the stack would say 202.
UNKNOWN = {200, 401, 403, 404}


@dataclass(frozen=True)
class Target:
    """Where pings go."""

    rest_url: str
    token: str


type Open = Callable[[Target], AbstractAsyncContextManager[Post]]


class Follower:
    """A `Post` to wherever the stack is; use it as an async context manager.

    Args:
        first: where it is at first.
        find: says where it is now; may block. Raises NotRunning.
        open_to: makes a `Post` to a target.
    """

    def __init__(self, first: Target, find: Callable[[], Target], open_to: Open, clock: Clock) -> None:
        self._target = first
        self._find = find
        self._open_to = open_to
        self._clock = clock
        self._look_at = 0.0
        self._absent: str | None = None
        self._looking = asyncio.Lock()
        self._opened = AsyncExitStack()
        self._post: Post

    async def __aenter__(self) -> Self:
        self._post = await self._opened.enter_async_context(self._open_to(self._target))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def __call__(self, body: bytes) -> Answer:
        """Post to where the stack is known to be.

        Raises:
            ConnectionError: no answer came, or from something else than the stack; the next attempt may find it.
        """
        used = self._target
        try:
            answer = await self._post(body)
        except ConnectionError:
            await self._look(used)
            raise
        if answer.status in UNKNOWN:
            await self._look(used)
            if self._target is not used:
                raise ConnectionError(f"the stack has moved to {self._target.rest_url}")
            if self._absent:
                raise ConnectionError(self._absent)
        return answer

    async def _look(self, used: Target) -> None:
        """Find out whether the stack is elsewhere by now, unless somebody has just done so."""
        async with self._looking:
            if self._target is not used or self._clock.monotonic() < self._look_at:
                return
            try:
                found = await asyncio.to_thread(self._find)
            except NotRunning as error:
                self._absent = str(error)
            else:
                self._absent = None
                if found.rest_url != used.rest_url:
                    self._post = await self._opened.enter_async_context(self._open_to(found))
                    self._target = found
            self._look_at = self._clock.monotonic() + LOOK_EVERY_S
