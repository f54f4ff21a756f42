"""Opening connections to the API: names resolved once for many, certificates verified."""

import asyncio
import socket
import ssl
from itertools import count

from adapters.management.endpoint import Endpoint
from adapters.management.http_connection import HttpConnection, Owner
from adapters.uptime import uptime_s

# The API's name has a time to live of a minute or less.
_RESOLVED_FOR_S = 30


class Connector:
    """Opens connections to one endpoint, spread over all addresses that its name has.

    Args:
        tls: how a server is verified; by default against the system's certificate authorities.
    """

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None = None) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._turns = count()
        self._resolving: asyncio.Task[list[str]] | None = None
        self._resolved_at = 0.0

    async def open(self, owner: Owner) -> HttpConnection:
        """A new connection.

        Raises:
            OSError: the name has no address, none of them answers, or the server is not who it should be.
        """
        addresses = await self._addresses()
        turn = next(self._turns)
        failure = OSError("no address")
        for n in range(len(addresses)):
            try:
                return await self._open_at(addresses[(turn + n) % len(addresses)], owner)
            except OSError as error:
                failure = error
        # They may be those of yesterday.
        self._resolving = None
        raise failure

    async def _open_at(self, address: str, owner: Owner) -> HttpConnection:
        tls, name = (self._context(), self._endpoint.host) if self._endpoint.is_tls else (None, None)
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: HttpConnection(owner), address, self._endpoint.port, ssl=tls, server_hostname=name
        )
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Reading the authorities takes 20 ms, which only those pay who need them.
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    async def _addresses(self) -> list[str]:
        now = uptime_s()
        if self._resolving is None or now - self._resolved_at > _RESOLVED_FOR_S:
            self._resolving = asyncio.create_task(self._resolve())
            self._resolved_at = now
        try:
            # Whoever is cancelled while waiting does not cancel it for all others.
            return await asyncio.shield(self._resolving)
        except OSError:
            self._resolving = None
            raise

    async def _resolve(self) -> list[str]:
        found = await asyncio.get_running_loop().getaddrinfo(
            self._endpoint.host, self._endpoint.port, type=socket.SOCK_STREAM
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))
