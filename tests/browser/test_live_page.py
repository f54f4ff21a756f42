"""The map page as it is deployed: from its bucket, on the live feed of a real stack that drivers send to."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode

import pytest

from browser.devtools import Browser, Page, Screen
from browser.looks import CONNECTED, READY, text_of, turn_wheel
from e2e.support import Api
from fleetglow.deployment import Deployment

DRIVERS = 200
# In London, where nobody else drives; two lie in one cell of seven characters, and all in one of five.
PARKED = {"first": (51.50735, -0.12776), "second": (51.50736, -0.12777), "third": (51.51735, -0.12776)}
PING_EVERY_S = 5
SCREEN = Screen(800, 600)
MIDDLE = (400, 300)


@pytest.fixture
def fleet(stack: Deployment) -> Iterator[None]:
    """Drivers in Lagos who send while the test runs."""
    options = ["--drivers", str(DRIVERS), "--interval", "3", "--duration", "300", "--city", "lagos"]
    process = subprocess.Popen([sys.executable, "-m", "fleetglow", "simulate", *options])
    yield
    process.terminate()
    process.wait(30)


@pytest.fixture
def api(stack: Deployment) -> Api:
    return Api(stack.rest_url, stack.token("pings:write heatmap:read drivers:read", "tester", 3600))


@pytest.fixture
async def parked(api: Api) -> AsyncIterator[None]:
    """Drivers in London who stand still, and say so every few seconds."""
    pings = [{"driver_id": f"parked-{name}", "lat": lat, "lon": lon} for name, (lat, lon) in PARKED.items()]

    async def keep_pinging() -> None:
        while True:
            await asyncio.to_thread(api.post_pings, *pings)
            await asyncio.sleep(PING_EVERY_S)

    task = asyncio.create_task(keep_pinging())
    yield
    task.cancel()


def counted(api: Api, cell: str) -> int:
    """The drivers in a cell of London, as the REST API counts them."""
    lat, lon = PARKED["first"]
    around = f"{lat - 0.02},{lon - 0.02},{lat + 0.02},{lon + 0.02}"
    answer = api.get(f"/heatmap?{urlencode({'city': 'london', 'precision': len(cell), 'bbox': around})}")
    return int(answer["cells"].get(cell, 0))


@pytest.mark.usefixtures("fleet")
async def test_the_page_shows_the_live_fleet(stack: Deployment, browser: Browser) -> None:
    page = await browser.open(stack.web_url)
    await page.wait_for(CONNECTED, within_s=30)
    await page.wait_for(READY, within_s=60)
    # EventBridge starts the first tick within a minute.
    await page.wait_for(f"Number(document.body.dataset.drivers) >= {DRIVERS}", within_s=90)
    before = int(await page.state("rev") or 0)
    await page.wait_for(f"Number(document.body.dataset.rev) > {before} && document.body.dataset.stale === 'false'")
    cells = int(await page.state("cells") or 0)
    assert 0 < cells <= DRIVERS
    # The whole city is seen, so nobody is out of view.
    await page.wait_for("document.body.dataset.inView === document.body.dataset.drivers")
    assert [] == page.errors


@pytest.mark.usefixtures("parked")
async def test_the_count_of_a_cell_is_that_of_the_api_at_every_zoom(
    stack: Deployment, browser: Browser, api: Api
) -> None:
    lat, lon = PARKED["first"]
    page = await browser.open(f"{stack.web_url}&city=london&zoom=14&lat={lat}&lon={lon}", SCREEN)
    await page.wait_for(READY, within_s=60)
    await page.wait_for(f"document.body.dataset.drivers === '{len(PARKED)}'", within_s=90)
    counts = []
    for _ in range(2):
        await page.point(*MIDDLE)
        await page.wait_for("document.body.dataset.cell")
        counts.append(await read_cell(page))
        cell, count = counts[-1]
        assert counted(api, cell) == count
        assert cell in await text_of(page, ".cursor-label")
        await zoom_out_to_coarser_cells(page)
    (fine, _), (coarse, _) = counts
    assert fine.startswith(coarse)
    assert len(fine) > len(coarse)
    assert [] == page.errors


async def read_cell(page: Page) -> tuple[str, int]:
    """The cell under the pointer, and its count, of the same moment."""
    cell, count = await page.run("[document.body.dataset.cell, Number(document.body.dataset.cellCount)]")
    return str(cell), int(count)


async def zoom_out_to_coarser_cells(page: Page) -> None:
    before = await page.state("precision")
    while await page.state("precision") == before:
        await turn_wheel(page, *MIDDLE, 600)
