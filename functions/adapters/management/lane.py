"""A lane: posts that go out one after the other."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import NamedTuple

from adapters.management.http_connection import HttpConnection, Owner
from adapters.management.responses import Response
from adapters.uptime import uptime_s


class Lost(NamedTuple):
    """A post that got no answer, and why."""

    cause: str


# Whoever cancels it in the middle finds nothing left open, as is the way of asyncio's own.
type Open = Callable[[Owner], Coroutine[None, None, HttpConnection]]
type Done = Callable[[Lane, Response | Lost], None]


class Lane:
    """Makes one post at a time, on a keep-alive connection that it opens when there is none.

    A server may hang up on a kept connection in the very moment in which a request is on its way. Such a post is made
    again, once, on a fresh connection: at worst a message comes twice, which does viewers no harm.

    Attributes:
        posted_at: when the last post was begun, on the clock of `uptime_s`.
    """

    __slots__ = ("_connection", "_done", "_is_repeated", "_open", "_opening", "_request", "posted_at")

    def __init__(self, open_connection: Open) -> None:
        self._open = open_connection
        self._connection: HttpConnection | None = None
        self._opening: asyncio.Task[HttpConnection] | None = None
        self._request = b""
        self._is_repeated = False
        self._done: Done = _nobody
        self.posted_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a post would go out without a connection being opened first."""
        return self._connection is not None and self._connection.is_open

    def post(self, request: bytes, done: Done) -> None:
        """Make a post; `done` is called once with what came of it, unless `close` comes before."""
        self._request = request
        self._done = done
        self._is_repeated = False
        self.posted_at = uptime_s()
        if self._connection is None or not self._connection.send(request):
            self._send_afresh()

    def close(self) -> None:
        """Close the connection, and forget the post that is under way, if one is."""
        self._done = _nobody
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def answered(self, response: Response) -> None:
        self._done(self, response)

    def lost(self, cause: str, *, is_untouched: bool) -> None:
        self._connection = None
        if is_untouched and not self._is_repeated:
            self._is_repeated = True
            self._send_afresh()
        else:
            self._done(self, Lost(cause))

    def _send_afresh(self) -> None:
        self._opening = asyncio.create_task(self._open(self))
        self._opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[HttpConnection]) -> None:
        failure = _failure(opening)
        if opening is not self._opening:
            # `close` came when it was done already.
            if failure is None:
                opening.result().close()
            return
        self._opening = None
        if failure is not None:
            self._done(self, Lost(f"{type(failure).__name__}: {failure}"))
            return
        self._connection = opening.result()
        if not self._connection.send(self._request):
            self.lost("the server closed the connection", is_untouched=True)


def _failure(opening: asyncio.Task[HttpConnection]) -> BaseException | None:
    """Why nothing was opened, whatever the reason: one that went unseen would leave the post without an end."""
    return asyncio.CancelledError() if opening.cancelled() else opening.exception()


def _nobody(_lane: Lane, _result: Response | Lost) -> None:
    """Who is told of a post that was given up."""
