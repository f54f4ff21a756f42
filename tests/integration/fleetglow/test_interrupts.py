"""Ctrl-C at any moment of a command: while its modules are imported, while it connects, while it works."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from fakes.live_server import TOKEN, LiveServer
from fleetglow.errors import INTERRUPTED
from stamped_lines import without_moments

DEADLINE_S = 60


@pytest.fixture
async def live() -> AsyncIterator[LiveServer]:
    server = LiveServer()
    await server.start()
    async with asyncio.timeout(DEADLINE_S):
        yield server
    await server.stop()


async def interrupted(moment: str, *command: str) -> tuple[int | None, str, str]:
    """Status, stdout and stderr, without what tells of imports, of a command that is interrupted when stderr tells
    that a module was imported, or something else.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fleetglow", *command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
    )
    assert process.stdout
    assert process.stderr
    told: list[str] = []
    async for line in process.stderr:
        told.append(line.decode())
        if told[-1].rstrip().endswith(moment) and process.returncode is None:
            process.send_signal(signal.SIGINT)
            break
    else:
        raise AssertionError(f"{moment!r} was never told: {told[-5:]}")
    out, rest = await asyncio.gather(process.stdout.read(), process.stderr.read())
    lines = [*told, *rest.decode().splitlines(keepends=True)]
    err = "".join(line for line in lines if not line.startswith("import time:"))
    return await process.wait(), out.decode(), without_moments(err)


@pytest.mark.parametrize("moment", ["typer", "fleetglow.command_line", "asyncio", "rich.console", "fleetglow.client"])
async def test_during_the_imports_it_ends_without_a_word(live: LiveServer, moment: str):
    url = ("--websocket-url", live.websocket_url, "--token", TOKEN)

    assert (INTERRUPTED, "", "") == await interrupted(f" {moment}", "watch", *url)


async def test_while_it_connects(live: LiveServer):
    live.accepting = False
    url = ("--websocket-url", live.websocket_url, "--token", TOKEN)

    told = "lagos: connecting\nlagos: connecting: the server answered 503\n"
    assert (INTERRUPTED, "", told) == await interrupted("answered 503", "watch", *url)


async def test_while_it_watches(live: LiveServer):
    url = ("--websocket-url", live.websocket_url, "--token", TOKEN)
    status, _, err = await interrupted("lagos: connected", "watch", *url)

    assert (INTERRUPTED, "lagos: connecting\nlagos: connected\n") == (status, err)


@pytest.mark.parametrize("command", ["up", "simulate", "check", "logs ingest", "dlq", "redrive"])
async def test_no_command_ends_with_a_traceback(command: str):
    assert (INTERRUPTED, "", "") == await interrupted(" fleetglow.command_line", *command.split())
