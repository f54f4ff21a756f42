"""The map page as it is deployed: from its bucket, on the live feed of a real stack that drivers send to."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from browser.chromium import Browser
from fleetglow.deployment import Deployment

DRIVERS = 200


@pytest.fixture
def fleet(stack: Deployment) -> Iterator[None]:
    """Drivers in Lagos who send while the test runs."""
    options = ["--drivers", str(DRIVERS), "--interval", "3", "--duration", "300", "--city", "lagos"]
    process = subprocess.Popen([sys.executable, "-m", "fleetglow", "simulate", *options])
    yield
    process.terminate()
    process.wait(30)


@pytest.mark.usefixtures("fleet")
async def test_the_page_shows_the_live_fleet(stack: Deployment, browser: Browser) -> None:
    page = await browser.open(stack.web_url)
    await page.wait_for("document.body.dataset.connection === 'connected'", within_s=30)
    await page.wait_for("document.body.dataset.map === 'ready'", within_s=30)
    # EventBridge starts the first tick within a minute.
    await page.wait_for(f"Number(document.body.dataset.drivers) >= {DRIVERS}", within_s=90)
    before = int(await page.state("rev") or 0)
    await page.wait_for(f"Number(document.body.dataset.rev) > {before} && document.body.dataset.stale === 'false'")
    cells = int(await page.state("cells") or 0)
    assert 0 < cells <= DRIVERS
    assert [] == page.errors
