"""The gateway process: `python -m localstack_dockerless.websocket LISTENING_FD LOCALSTACK_URL`.

Its standard input brings the stages, a JSON array on a line at each change, and ends when LocalStack ends; so does it.
"""

import asyncio
import json
import logging
import resource
import socket
import sys

from localstack_dockerless.websocket.routing import Stage
from localstack_dockerless.websocket.server import serving
from localstack_dockerless.websocket.settings import Settings

# A line holds all stages of all APIs.
MAX_LINE_BYTES = 64 * 1024 * 1024


async def serve(listener: socket.socket, localstack_url: str, settings: Settings) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    # The first line comes before the first client, which would not find its stage.
    line = await lines.readline()
    async with serving(listener, localstack_url, settings) as gateway:
        while line:
            gateway.set_stages(Stage.from_json(data) for data in json.loads(line))
            line = await lines.readline()


def raise_open_files_limit() -> None:
    """A connection is an open file, and the usual soft limit is 1024 of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s websocket: %(message)s")
    raise_open_files_limit()
    listener = socket.socket(fileno=int(sys.argv[1]))
    listener.setblocking(False)
    asyncio.run(serve(listener, sys.argv[2], Settings.from_env()))


if __name__ == "__main__":
    main()
