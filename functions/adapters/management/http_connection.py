"""One keep-alive connection to the API: a request, its answer, the next request."""

import asyncio
from typing import Protocol, cast

from adapters.management.responses import MalformedResponse, Response, ResponseParser

# An answer of the API has a few hundred bytes; a larger one comes in several reads.
_READ_BYTES = 4096


class Owner(Protocol):
    """Who sends the requests; of each it is told once what became of it."""

    def answered(self, response: Response) -> None:
        """The answer is here; if it does not keep the connection alive, that is closed already."""

    def lost(self, cause: str, *, is_untouched: bool) -> None:
        """The connection ended before the answer did; `is_untouched` if not a byte of that had come."""


class HttpConnection(asyncio.BufferedProtocol):
    """An HTTP/1.1 connection on which one request at a time is under way.

    A buffered protocol, since it reads into one buffer of its own: the plain kind has asyncio allocate 256 KB for each
    answer of 300 bytes.
    """

    __slots__ = ("_buffer", "_is_awaiting", "_owner", "_parser", "_transport")

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._parser = ResponseParser()
        self._transport: asyncio.Transport | None = None
        self._is_awaiting = False

    @property
    def is_open(self) -> bool:
        """Whether a request may be sent, as far as is known: the other side may be hanging up this moment."""
        return self._transport is not None

    def send(self, request: bytes) -> bool:
        """Send a request, the one before it having been answered; False if the connection has ended."""
        if self._transport is None:
            return False
        self._is_awaiting = True
        self._transport.write(request)
        return True

    def close(self) -> None:
        """Close at once; of a request that is under way nothing is told any more."""
        self._is_awaiting = False
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self._is_awaiting:
            # Nobody asked for anything.
            self.close()
            return
        try:
            response = self._parser.feed(self._buffer[:nbytes].tobytes())
        except MalformedResponse as error:
            self._end(str(error), is_untouched=False)
            return
        if response is not None:
            self._answer(response)

    def eof_received(self) -> None:
        response = self._parser.end() if self._is_awaiting else None
        if response is not None:
            self._answer(response)
        elif self._transport is not None:
            # What is left of the request is of no use; `connection_lost` follows.
            self._transport.abort()
            self._transport = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._is_awaiting:
            cause = f"{type(exc).__name__}: {exc}" if exc else "the server closed the connection"
            self._end(cause, is_untouched=self._parser.is_untouched)

    def _answer(self, response: Response) -> None:
        if not response.keep_alive:
            self.close()
        self._is_awaiting = False
        self._owner.answered(response)

    def _end(self, cause: str, *, is_untouched: bool) -> None:
        self.close()
        self._owner.lost(cause, is_untouched=is_untouched)
