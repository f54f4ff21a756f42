"""The map when the graphics card takes its memory back, and where there is none."""

from browser.devtools import Browser, Page, Screen
from browser.looks import AT_CELL, CELL, READY, colour_until, settled_colour, shown, text_of
from fakes.live_server import LiveServer

SCREEN = Screen(640, 480)
MIDDLE = (320, 240)
EXTENSION = "document.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context')"


async def with_an_empty_map(live: LiveServer, browser: Browser) -> tuple[Page, tuple[int, int, int]]:
    page = await browser.open(f"{live.web_url}{AT_CELL}&look=cells", SCREEN)
    await page.wait_for(f"{READY} && document.body.dataset.rev === '1'")
    return page, await settled_colour(page, *MIDDLE)


async def test_a_lost_context_that_is_restored_shows_the_fleet_again(live: LiveServer, browser: Browser) -> None:
    page, ground = await with_an_empty_map(live, browser)
    await page.run(f"(window.lost = {EXTENSION}).loseContext()")
    await page.wait_for("document.body.dataset.map === 'lost'")
    assert "restored" in await text_of(page, "#notice")
    await live.change({CELL: 7})
    await page.run("window.lost.restoreContext()")
    await page.wait_for(READY)
    await colour_until(page, MIDDLE, ground, differs=True)
    await live.change({CELL: 0})
    await colour_until(page, MIDDLE, ground, differs=False)
    assert await page.run("document.getElementById('notice').hidden") is True
    assert [] == page.errors


async def test_a_context_that_stays_lost_is_replaced_by_another_map(live: LiveServer, browser: Browser) -> None:
    page, ground = await with_an_empty_map(live, browser)
    await page.run(f"{EXTENSION}.loseContext()")
    await page.wait_for("document.body.dataset.map === 'lost'")
    await live.change({CELL: 7})
    await page.wait_for(READY, within_s=30)
    await colour_until(page, MIDDLE, ground, differs=True)
    assert 1 == await page.run("document.querySelectorAll('canvas').length")
    assert [] == page.errors


async def test_without_webgl_the_numbers_are_live_all_the_same(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 7})
    page = await browser.open(live.page_url, SCREEN)
    forbid = "HTMLCanvasElement.prototype.getContext = () => null"
    await page.command("Page.addScriptToEvaluateOnNewDocument", source=forbid)
    await page.command("Page.navigate", url="about:blank")
    await page.command("Page.navigate", url=live.web_url + AT_CELL)
    await page.wait_for("document.body?.dataset.map === 'failed'")
    await shown(page, drivers=7, cells=1)
    assert "needs WebGL 2" in await text_of(page, "#notice")
    await live.change({CELL: 8})
    await shown(page, drivers=8, cells=1)
