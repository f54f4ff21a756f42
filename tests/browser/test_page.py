"""The map page in a real browser, against a server that the test commands."""

import base64

import pytest

from browser.chromium import Browser, Page, Screen
from fakes.live_server import LiveServer

# In Lagos; the centre of the first is 6.41945 N, 3.40508 E.
CELL = "s14kt2x"
OTHER = "s14kt31"
AT_CELL = "&city=lagos&zoom=15&lat=6.41945&lon=3.40508"

CONNECTED = "document.body.dataset.connection === 'connected'"


async def shown(page: Page, drivers: int, cells: int) -> None:
    """Waits until the page tells these numbers."""
    await page.wait_for(f"document.body.dataset.drivers === '{drivers}' && document.body.dataset.cells === '{cells}'")


async def test_the_page_shows_what_is_live_and_how_fresh_it_is(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 1200, OTHER: 34})
    page = await browser.open(live.web_url)
    await shown(page, drivers=1234, cells=2)
    await page.wait_for("document.body.dataset.map === 'ready'")
    text = await page.run("document.querySelector('.panel').innerText")
    assert "1,234 live drivers" in text.replace("\n", " ")
    assert "Connected" in text
    assert "Updated" in text
    assert await page.state("stale") == "false"
    assert [] == page.errors


async def test_a_delta_moves_the_counts_without_another_subscribe(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3, OTHER: 1})
    page = await browser.open(live.web_url)
    await shown(page, drivers=4, cells=2)
    await live.change({CELL: 5, OTHER: 0})
    await shown(page, drivers=5, cells=1)
    assert 1 == len(live.subscribes)


async def test_a_lost_delta_is_asked_for_when_the_next_one_shows_the_gap(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url)
    await shown(page, drivers=3, cells=1)
    await live.change({OTHER: 2}, lose=True)
    await live.change({CELL: 4})
    await shown(page, drivers=6, cells=2)
    assert {"epoch": "k3f", "rev": 2} == live.subscribes[-1]["since"]


async def test_after_a_dropped_connection_the_page_comes_back_and_resumes(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url)
    await shown(page, drivers=3, cells=1)
    live.accepting = False
    await live.drop()
    await page.wait_for("document.body.dataset.connection === 'reconnecting'")
    await live.change({CELL: 0, OTHER: 8})
    live.accepting = True
    await page.wait_for(CONNECTED)
    await shown(page, drivers=8, cells=1)
    assert {"epoch": "k3f", "rev": 2} == live.subscribes[-1]["since"]


async def test_a_server_that_stays_away_is_told_as_offline(live: LiveServer, browser: Browser) -> None:
    live.accepting = False
    page = await browser.open(live.web_url)
    await page.wait_for("document.body.dataset.connection === 'offline'")
    assert "Offline" in await page.run("document.querySelector('[role=status]').innerText")
    assert "cannot be reached" in await page.run("document.querySelector('[role=alert]').innerText")


async def test_old_news_is_told_as_stale_until_fresh_news_comes(live: LiveServer, browser: Browser) -> None:
    live.lag_ms = 12_000
    await live.change({CELL: 3})
    page = await browser.open(live.web_url)
    await page.wait_for("document.body.dataset.stale === 'true'")
    assert "Stale" in await page.run("document.querySelector('[role=status]').innerText")
    assert int(await page.state("frameAge") or 0) >= 12
    live.lag_ms = 40
    await live.heartbeat()
    await page.wait_for("document.body.dataset.stale === 'false'")


async def test_the_age_of_the_last_frame_grows_by_itself(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url)
    await page.wait_for("Number(document.body.dataset.frameAge) >= 2")
    assert "s ago" in await page.run("document.getElementById('age').innerText")


async def test_the_token_leaves_the_url_and_lasts_for_the_tab(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url + AT_CELL)
    await page.wait_for(CONNECTED)
    assert "token" not in await page.run("location.href")
    await page.command("Page.reload")
    await page.wait_for(f"performance.getEntriesByType('navigation')[0].type === 'reload' && {CONNECTED}")
    assert await page.run("document.getElementById('ask').open") is False


async def test_without_a_token_the_page_asks_for_one(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.page_url)
    await page.wait_for("document.getElementById('ask').open")
    assert await page.run("document.activeElement.id") == "token"
    await page.command("Input.insertText", text="a-viewers-token")
    await page.press("Enter")
    await shown(page, drivers=3, cells=1)


async def test_another_city_is_watched_from_the_selector(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    await live.change({"kzf0tv5": 7}, city="nairobi")
    page = await browser.open(live.web_url)
    await shown(page, drivers=3, cells=1)
    await page.run("document.getElementById('city').focus()")
    await page.press("ArrowDown")
    await shown(page, drivers=7, cells=1)
    assert "nairobi" == await page.state("city")
    assert "city=nairobi" in await page.run("location.hash")
    assert "nairobi" == live.subscribes[-1]["city"]


async def test_the_page_asks_nobody_but_its_own_server(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(f"{live.web_url}&zoom=4&lat=6.5&lon=3.4")
    await page.wait_for("document.body.dataset.map === 'ready'")
    await page.wait_for("performance.getEntriesByType('resource').some(({ name }) => name.includes('countries'))")
    own = live.page_url.split("//")[1].split("/")[0]
    foreign = [url for url in page.requests if not url.startswith(("data:", "blob:")) and url.split("/")[2] != own]
    assert [] == foreign
    assert [] == page.errors


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_a_cell_stands_out_from_the_map_and_fades_when_it_empties(
    live: LiveServer, browser: Browser, scheme: str
) -> None:
    page = await browser.open(live.web_url + AT_CELL, Screen(640, 480, scheme))
    await page.wait_for("document.body.dataset.map === 'ready' && document.body.dataset.rev === '1'")
    ground = await settled_colour(page, 320, 240)
    await live.change({CELL: 7})
    await colour_until(page, ground, differs=True)
    await live.change({CELL: 0})
    await colour_until(page, ground, differs=False)


async def test_on_a_phone_nothing_is_wider_than_the_screen(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url, Screen(390, 844, phone=True))
    await page.wait_for("document.body.dataset.map === 'ready'")
    assert 390 == await page.run("document.documentElement.scrollWidth")
    right_edges = await page.run(
        "[...document.querySelectorAll('.card:not(dialog)')].map((c) => c.getBoundingClientRect().right)"
    )
    assert all(0 < edge <= 390 for edge in right_edges)


async def colour(page: Page, x: int, y: int) -> tuple[int, int, int]:
    """Red, green and blue of a pixel of what is seen."""
    picture = base64.b64encode(await page.screenshot()).decode()
    red, green, blue = await page.run(
        f"""(async () => {{
            const image = new Image()
            image.src = 'data:image/png;base64,{picture}'
            await image.decode()
            const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')
            canvas.drawImage(image, 0, 0)
            return [...canvas.getImageData({x}, {y}, 1, 1).data].slice(0, 3)
        }})()"""
    )
    return red, green, blue


async def settled_colour(page: Page, x: int, y: int) -> tuple[int, int, int]:
    """The pixel's colour once two looks agree: the ground is drawn some frames after the map is ready."""
    await page.wait_for("performance.getEntriesByType('resource').some(({ name }) => name.endsWith('lagos.json'))")
    before = await colour(page, x, y)
    while (now := await colour(page, x, y)) != before:
        before = now
    return now


async def colour_until(page: Page, ground: tuple[int, int, int], *, differs: bool) -> None:
    """Waits until the middle of the page has, or no longer has, another colour than the ground."""
    for _ in range(100):
        now = await colour(page, 320, 240)
        difference = max(abs(a - b) for a, b in zip(now, ground, strict=True))
        if (difference > 60) if differs else (difference < 12):
            return
    raise AssertionError(f"expected {'another' if differs else 'the same'} colour than {ground}, got {now}")
