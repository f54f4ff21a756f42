"""A load generator's side of its conversation with the test: a line of JSON for each request, one for each answer."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec

# What all viewports of a city hold comes as one line.
MAX_LINE_BYTES = 1 << 28


async def requests() -> AsyncIterator[Any]:
    """What the test asks, until it has ended, however it has."""
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield msgspec.json.decode(line)


def answer(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()
