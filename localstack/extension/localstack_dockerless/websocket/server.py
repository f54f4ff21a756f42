"""Serving a gateway on a listening socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from localstack_dockerless.websocket.connection import Connection
from localstack_dockerless.websocket.gateway import Gateway
from localstack_dockerless.websocket.lambdas import LambdaClient
from localstack_dockerless.websocket.settings import BACKLOG, Settings

GOODBYE_S = 0.2


@asynccontextmanager
async def serving(listener: socket.socket, localstack_url: str, settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway that serves; at the end its clients are told that it goes away."""
    loop = asyncio.get_running_loop()
    lambdas = LambdaClient(localstack_url, settings.concurrency)
    gateway = Gateway(settings, listener.getsockname()[1], lambdas)
    server = await loop.create_server(lambda: Connection(gateway), sock=listener, backlog=BACKLOG)
    gateway.spawn(gateway.enforce_limits())
    try:
        yield gateway
    finally:
        server.close()
        if gateway.connections:
            gateway.close_all()
            await asyncio.sleep(GOODBYE_S)
        await gateway.cancel_tasks()
        await lambdas.close()
