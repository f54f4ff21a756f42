"""`simulate` and `play` as scripts call them, against an HTTP server on this machine that takes every ping."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

DEADLINE_S = 60
TRACK = "id,ts,lat,lon\nbus-1,1700000000,6.5,3.4\nbus-1,1700000005,6.51,3.41\nbus-1,soon,6.51,3.41\n"


class Taker:
    """Answers as the ingest does; the first request is told to come again."""

    def __init__(self) -> None:
        self.pings: list[dict[str, object]] = []
        self.tokens: set[str] = set()
        self.arrived = asyncio.Event()
        self._was_busy = False

    async def take(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["Authorization"])
        if not self._was_busy:
            self._was_busy = True
            return web.Response(status=503)
        pings = msgspec.json.decode(await request.read())["pings"]
        self.pings += pings
        self.arrived.set()
        return web.json_response({"accepted": len(pings), "rejected": []}, status=202)


@pytest.fixture
async def taker() -> AsyncIterator[tuple[Taker, str]]:
    served = Taker()
    app = web.Application()
    app.router.add_post("/live/pings", served.take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield served, str(server.make_url("/live"))


async def begin(url: str, *arguments: str) -> asyncio.subprocess.Process:
    program = (sys.executable, "-m", "fleetglow", *arguments, "--rest-url", url, "--token", "good")
    return await asyncio.create_subprocess_exec(*program, stdout=PIPE, stderr=PIPE)


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, list[str], str]:
    """Exit status, the lines on stdout, and stderr."""
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    return process.returncode, out.decode().splitlines(), err.decode()


async def test_simulate_sends_what_it_says(taker: tuple[Taker, str]):
    served, url = taker
    process = await begin(url, "simulate", "--drivers", "40", "--interval", "1", "--duration", "2", "--json")
    status, lines, err = await ended(process)
    summary = msgspec.json.decode(lines[-1])

    assert (0, "40 drivers in Lagos") == (status, err.split(",")[0])
    assert (80, 80, 0) == (summary["sent"], summary["accepted"], summary["rejected"])
    assert {"sent", "accepted", "rejected", "p50_ms", "p99_ms", "seconds"} == set(summary)
    assert 80 == len(served.pings)
    assert {"Bearer good"} == served.tokens


async def test_play_sends_what_can_be_read_and_counts_the_rest(taker: tuple[Taker, str], tmp_path: Path):
    served, url = taker
    file = tmp_path / "track.csv"
    file.write_text(TRACK)
    status, lines, err = await ended(await begin(url, "play", str(file), "--speed", "20", "--json"))
    summary = msgspec.json.decode(lines[-1])

    assert (0, 2, 2, 1) == (status, summary["sent"], summary["accepted"], summary["rejected"])
    assert "track.csv: line 4: timestamp: expected RFC 3339" in err
    assert {250} == {served.pings[1]["sampled_at"] - served.pings[0]["sampled_at"]}


async def test_ctrl_c_prints_the_summary_so_far(taker: tuple[Taker, str]):
    served, url = taker
    process = await begin(url, "simulate", "--drivers", "10", "--interval", "1", "--duration", "600", "--json")
    async with asyncio.timeout(DEADLINE_S):
        await served.arrived.wait()
    process.send_signal(signal.SIGINT)
    status, lines, _ = await ended(process)

    assert 130 == status
    assert 0 < msgspec.json.decode(lines[-1])["accepted"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("simulate", "--drivers", "0"), 2, "--drivers"),
        (("simulate", "--city", "atlantis"), 2, "fleetglow: --city: expected one of lagos"),
        (("play", "no-such-file.csv"), 2, "no-such-file.csv"),
    ],
)
async def test_a_bad_argument_is_named(taker: tuple[Taker, str], arguments: tuple[str, ...], status: int, message: str):
    returned, lines, err = await ended(await begin(taker[1], *arguments))

    assert (status, []) == (returned, lines)
    assert message in err
