"""`fleetglow watch` as people start it, in a terminal and into a pipe, against a server that the test commands."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable

import pytest

from fakes.live_server import TOKEN, LiveServer
from fleetglow.client import HeatmapClient
from fleetglow.heatmap_view import HeatmapView
from fleetglow.lookout import Lookout
from heatmap.cells import cell_of
from stamped_lines import without_moments

DEADLINE_S = 40
# Long before the next heartbeat.
SOON_S = 8
# Beside no place whose name would be written over it.
CELL = cell_of(6.7, 3.2, 7)
LEFT_FULL_SCREEN = "\x1b[?1049l"


@pytest.fixture
async def live() -> AsyncIterator[LiveServer]:
    server = LiveServer()
    await server.start()
    await server.change({CELL: 3})
    async with asyncio.timeout(DEADLINE_S):
        yield server
    await server.stop()


def command(live: LiveServer, *options: str) -> list[str]:
    url = ["--websocket-url", live.websocket_url, "--token", TOKEN]
    return [sys.executable, "-m", "fleetglow", "watch", *url, *options]


async def piped(live: LiveServer, *options: str) -> tuple[int | None, str, str]:
    """Status, stdout and stderr (without moments) of a run whose output is not a terminal."""
    process = await asyncio.create_subprocess_exec(
        *command(live, *options), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), without_moments(err.decode())


class Terminal:
    """A terminal of a size, and the command that runs in it."""

    def __init__(self, process: asyncio.subprocess.Process, descriptor: int) -> None:
        self.process = process
        self._descriptor = descriptor
        self.written = ""
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    @classmethod
    async def run(cls, arguments: list[str], size: tuple[int, int], **environment: str) -> "Terminal":
        ours, theirs = pty.openpty()
        _resize(theirs, size)
        env = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"} | environment
        passed = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=passed | env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        return cls(process, ours)

    def _read(self) -> None:
        try:
            self.written += os.read(self._descriptor, 1 << 20).decode(errors="replace")
        except OSError:
            # How Linux tells that nobody writes any more.
            asyncio.get_running_loop().remove_reader(self._descriptor)

    async def until(self, condition: Callable[[str], bool]) -> str:
        """What was written, once it is as wanted."""
        while not condition(self.written):
            assert self.process.returncode is None, self.written
            await asyncio.sleep(0.02)
        return self.written

    def resize(self, size: tuple[int, int]) -> None:
        """Give it another size; what was written before is forgotten."""
        self.written = ""
        _resize(self._descriptor, size)

    async def press_ctrl_c(self) -> int:
        os.write(self._descriptor, b"\x03")
        return await self.process.wait()


def _resize(descriptor: int, size: tuple[int, int]) -> None:
    columns, lines = size
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


async def test_into_a_pipe_each_frame_is_a_line(live: LiveServer):
    async def drive() -> None:
        while not live.subscribes:  # noqa: ASYNC110 - the command is another process
            await asyncio.sleep(0.02)
        for n in range(4, 100):
            await live.change({CELL: n})
            await asyncio.sleep(0.1)

    driving = asyncio.create_task(drive())
    status, out, err = await piped(live, "--seconds", "4")
    driving.cancel()

    assert (0, "lagos: connecting\nlagos: connected\n") == (status, err)
    assert len(out.splitlines()) > 2
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d lagos rev \d+ drivers \d+ cells 1 lag 40 ms", x) for x in out.splitlines())
    assert [7] == [message["precision"] for message in live.subscribes]


async def test_one_frame_into_a_pipe(live: LiveServer):
    status, out, err = await piped(live, "--once", "--precision", "5", "--bbox", "6.6,3.1,6.75,3.3")

    assert (0, "lagos: connected\n") == (status, err)
    assert ["rev 2 drivers 3 cells 1 lag 40 ms"] == [line.split(" lagos ")[1] for line in out.splitlines()]
    [asked] = live.subscribes
    assert (5, [6.6, 3.1, 6.75, 3.3], "deflate") == (asked["precision"], asked["bbox"], asked["encoding"])


async def test_what_the_server_refuses_is_one_clear_line(live: LiveServer):
    status, out, err = await piped(live, "--token", "bad")

    assert (1, "") == (status, out)
    assert "lagos: connecting\nfleetglow: token: expected a valid one, the server answered 401\n" == err


async def test_no_server_is_told_when_the_time_is_up(live: LiveServer):
    live.accepting = False
    status, out, err = await piped(live, "--once", "--seconds", "2")

    assert (1, "", "fleetglow: no frame came within 2 s; connecting: the server answered 503\n") == (status, out, err)


async def test_a_port_on_which_nobody_listens_is_named_and_tried_until_somebody_does(live: LiveServer):
    port = int(live.websocket_url.split(":")[2].split("/")[0])
    await live.stop()
    process = await asyncio.create_subprocess_exec(
        *command(live), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    told = [await process.stderr.readline() for _ in range(2)]
    await live.start(port)
    told.append(await process.stderr.readline())
    process.terminate()
    await process.communicate()

    assert ["connecting", f"connecting: 127.0.0.1:{port}: Connection refused", "connected"] == [
        without_moments(line.decode()).strip().removeprefix("lagos: ") for line in told
    ]


async def test_a_reader_who_has_seen_enough_is_no_error(live: LiveServer):
    shell = " ".join(command(live, "--seconds", "20"))
    process = await asyncio.create_subprocess_shell(
        f"{shell} | head -n 1", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )

    async def drive() -> None:
        for n in range(4, 1000):
            await live.change({CELL: n})
            await asyncio.sleep(0.1)

    driving = asyncio.create_task(drive())
    out, err = await process.communicate()
    driving.cancel()

    assert 1 == len(out.splitlines())
    assert b"Traceback" not in err


async def test_in_a_terminal_there_is_a_map_that_follows_the_fleet_and_the_window_until_ctrl_c(live: LiveServer):
    terminal = await Terminal.run(command(live), (100, 30))
    first = await terminal.until(lambda written: "drivers per" in written)
    assert all(text in first for text in ("Lagos", "  3 drivers", "connected", "6.75°N 3.10°E", "10 km", "Ikeja"))
    assert "38;2;" in first

    await live.change({CELL: 1234})
    await terminal.until(lambda written: "1,234 drivers" in written)

    terminal.resize((30, 12))
    await terminal.until(lambda written: "┌" in written)
    while 6 not in {message["precision"] for message in live.subscribes}:  # noqa: ASYNC110 - the command is elsewhere
        await asyncio.sleep(0.02)
    await terminal.until(lambda _: ["6"] == [name.split("/")[1] for name in live.watched])

    assert 130 == await terminal.press_ctrl_c()
    assert LEFT_FULL_SCREEN in terminal.written
    assert "Traceback" not in terminal.written


@pytest.mark.parametrize(
    ("environment", "mark"),
    [({"NO_COLOR": "1"}, "░"), ({"TERM": "xterm-16color", "COLORTERM": ""}, "▀")],
    ids=["NO_COLOR", "16 colours"],
)
async def test_a_terminal_with_less_gets_less(live: LiveServer, environment: dict[str, str], mark: str):
    terminal = await Terminal.run(command(live, "--once"), (100, 30), **environment)
    await terminal.process.wait()

    assert mark in terminal.written
    assert "drivers per" in terminal.written
    assert "38;2;" not in terminal.written
    assert LEFT_FULL_SCREEN not in terminal.written


@pytest.mark.parametrize("environment", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}], ids=["ASCII"])
async def test_a_terminal_that_knows_ascii_gets_ascii(live: LiveServer, environment: dict[str, str]):
    terminal = await Terminal.run(command(live, "--once"), (100, 30), **environment)
    await terminal.process.wait()

    assert "6.75N 3.10E" in terminal.written
    assert terminal.written.isascii()


async def test_a_dumb_terminal_gets_lines(live: LiveServer):
    terminal = await Terminal.run(command(live, "--once"), (100, 30), TERM="dumb")
    await terminal.process.wait()

    assert "lagos rev 2 drivers 3 cells 1 lag 40 ms" in terminal.written


async def test_what_was_seen_stays_until_the_first_frame_at_another_precision(live: LiveServer):
    wanted = [7]
    seen: list[HeatmapView] = []
    async with HeatmapClient(live.websocket_url, TOKEN) as client:
        lookout = Lookout(client, "lagos", None, lambda offered: wanted[0] if wanted[0] in offered else 0)
        async for view in lookout.views():
            seen.append(view)
            if view.precision == 7 and view.epoch and wanted == [7]:
                wanted[0] = 5
                lookout.look_again()
            if view.precision == 5:
                break

    precisions = [view.precision for view in seen]
    assert [0, 7, 5] == sorted(set(precisions), key=precisions.index)
    assert all(view.cells for view in seen if view.precision)
    assert {CELL[:5]: 3} == seen[-1].cells


async def test_another_window_is_looked_through_at_once_also_while_nothing_moves(live: LiveServer):
    wanted = [7]
    async with HeatmapClient(live.websocket_url, TOKEN) as client, asyncio.timeout(SOON_S):
        lookout = Lookout(client, "lagos", None, lambda offered: wanted[0] if wanted[0] in offered else 0)

        def turn() -> None:
            wanted[0] = 5
            lookout.look_again()

        async for view in lookout.views():
            if view.precision == 5:
                break
            if view.epoch:
                asyncio.get_running_loop().call_soon(turn)

    assert [7, 5] == [asked["precision"] for asked in live.subscribes]
