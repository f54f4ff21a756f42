"""Whom the page talks to: its own server, the live server, and the tiles that the deployment names. Nobody else."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from browser.devtools import Browser, Page
from browser.looks import AT_CELL, READY, text_of
from fakes.live_server import LiveServer

# One red pixel.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


class TileHost:
    """A server of map tiles on another port, so for a browser another host.

    Attributes:
        asked: the paths that were asked for.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        headers = {"Access-Control-Allow-Origin": "*"}
        if request.path == "/style.json":
            source = {
                "type": "raster",
                "tiles": [f"{self.url}/styled/{{z}}/{{x}}/{{y}}.png"],
                "attribution": "© Styled",
            }
            layers = [{"id": "pictures", "type": "raster", "source": "pictures"}]
            style = {"version": 8, "sources": {"pictures": source}, "layers": layers}
            return web.json_response(style, headers=headers)
        return web.Response(body=PICTURE, content_type="image/png", headers=headers)


@pytest.fixture
async def tiles() -> AsyncIterator[TileHost]:
    host = TileHost()
    await host.start()
    yield host
    await host.stop()


async def reaches(page: Page, url: str) -> bool:
    """Whether a script of the page can fetch a URL."""
    return bool(await page.run(f"fetch({url!r}).then(() => true, () => false)"))


async def test_the_page_asks_nobody_but_its_own_server(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(f"{live.web_url}&zoom=4&lat=6.5&lon=3.4")
    await page.wait_for(READY)
    await page.wait_for("performance.getEntriesByType('resource').some(({ name }) => name.includes('countries'))")
    own = live.page_url.split("//")[1].split("/")[0]
    foreign = [url for url in page.requests if not url.startswith(("data:", "blob:")) and url.split("/")[2] != own]
    assert [] == foreign
    assert [] == page.errors


async def test_a_host_that_the_deployment_does_not_name_is_out_of_reach(
    live: LiveServer, browser: Browser, tiles: TileHost
) -> None:
    page = await browser.open(f"{live.web_url}&tiles=streets")
    await page.wait_for(READY)
    assert await reaches(page, live.page_url)
    assert not await reaches(page, f"{tiles.url}/0/0/0.png")
    assert [] == tiles.asked
    assert await page.run("document.getElementById('tiles-field').hidden") is True


async def test_configured_tiles_are_chosen_by_the_url_shown_with_their_attribution_and_left_again(
    live: LiveServer, browser: Browser, tiles: TileHost
) -> None:
    url = f"{tiles.url}/{{z}}/{{x}}/{{y}}.png"
    live.tiles = [{"name": "streets", "title": "Streets", "url": url, "attribution": "© The streets"}]
    page = await browser.open(f"{live.web_url}{AT_CELL}&tiles=streets")
    await page.wait_for(READY)
    await page.wait_for("document.querySelector('.maplibregl-ctrl-attrib').innerText.includes('© The streets')")
    pictures = "performance.getEntriesByType('resource').filter(({ name }) => /.\\d+.\\d+.\\d+.png$/.test(name))"
    await page.wait_for(f"{pictures}.length > 0")
    assert "tiles=streets" in await page.run("location.hash")
    await page.run("(document.getElementById('tiles').value = 'none', "
                   "document.getElementById('tiles').dispatchEvent(new Event('input')))")  # fmt: skip
    await page.wait_for("document.querySelector('.maplibregl-ctrl-attrib').innerText.includes('GSHHG')")
    assert "tiles=" not in await page.run("location.hash")
    assert [] == page.errors


async def test_a_configured_style_is_shown_and_the_fleet_above_it(
    live: LiveServer, browser: Browser, tiles: TileHost
) -> None:
    live.tiles = [{"name": "styled", "title": "Styled", "style": f"{tiles.url}/style.json"}]
    page = await browser.open(live.web_url + AT_CELL)
    await page.wait_for(READY)
    assert [] == tiles.asked
    await page.run("(document.getElementById('tiles').value = 'styled', "
                   "document.getElementById('tiles').dispatchEvent(new Event('input')))")  # fmt: skip
    await page.wait_for("document.querySelector('.maplibregl-ctrl-attrib').innerText.includes('© Styled')")
    assert "/style.json" in tiles.asked
    assert [] == page.errors


async def test_tiles_that_do_not_come_are_told(live: LiveServer, browser: Browser) -> None:
    live.tiles = [{"name": "gone", "title": "Gone", "style": "./no-such-style.json"}]
    page = await browser.open(f"{live.web_url}{AT_CELL}&tiles=gone")
    await page.wait_for("!document.getElementById('notice').hidden")
    assert "The map" in await text_of(page, "#notice")
