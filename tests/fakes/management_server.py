"""The @connections API on a port of the loopback interface, in a thread of its own."""

import asyncio
import ssl
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from fakes.management_api import ManagementApi


class ManagementServer:
    """Serves `api` between entering and leaving.

    What the test sets before a round, and reads after it, needs no lock: the server's thread does nothing in between.

    Attributes:
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.api = ManagementApi()
        self.port = port
        self._tls = tls
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._listening: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    @property
    def url(self) -> str:
        """The base URL, with a stage; the name is that of the certificate."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/live"

    def hang_up(self) -> None:
        """Close every connection, and return when that is done."""
        loop, _ = self._listening.result()
        asyncio.run_coroutine_threadsafe(self._hang_up(), loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, leaving = self._listening.result()
        loop.call_soon_threadsafe(leaving.set)
        self._thread.join()

    async def _hang_up(self) -> None:
        for peer in self.api.hang_up():
            await peer.ended.wait()

    async def _serve(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            # A client whose event loop stands still does not answer a farewell.
            farewell_s = 0.1 if self._tls else None
            server = await loop.create_server(
                self.api.peer, "127.0.0.1", self.port, ssl=self._tls, ssl_shutdown_timeout=farewell_s
            )
        except OSError as error:
            self._listening.set_exception(error)
            raise
        self.port = server.sockets[0].getsockname()[1]
        leaving = asyncio.Event()
        self._listening.set_result((loop, leaving))
        await leaving.wait()
        server.close()
        await self._hang_up()
