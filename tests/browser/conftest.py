"""A real browser, and a server for the built page. Without either a test is skipped and says why; in CI it fails."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from browser import chromium
from browser.chromium import Chromium
from browser.devtools import Browser
from fakes.live_server import LiveServer

DIST = Path(__file__).parents[2] / "web" / "dist"


def _missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def devtools_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = chromium.find()
    if program is None:
        _missing(f"no browser: expected one of {', '.join(chromium.NAMES)} on PATH")
        return
    running = Chromium(program, tmp_path_factory.mktemp("chromium"))
    yield running.devtools_url
    running.stop()


@pytest.fixture
async def browser(devtools_url: str) -> AsyncIterator[Browser]:
    """Opens pages; nothing is kept from one test to the next."""
    connected = await Browser.connect(devtools_url)
    yield connected
    await connected.close()


@pytest.fixture
async def live() -> AsyncIterator[LiveServer]:
    """Serves the built page and the protocol; the test says what is live."""
    if not (DIST / "index.html").exists():
        _missing("the page is not built: run npm ci && npm run build in web/")
    server = LiveServer(DIST)
    await server.start()
    yield server
    await server.stop()
