"""The URL and the token: what is shared, and what is kept out of sight."""

from browser.devtools import Browser
from browser.looks import AT_CELL, CELL, CONNECTED, READY, shown, text_of
from fakes.live_server import TOKEN, LiveServer


async def test_the_token_leaves_the_url_and_lasts_for_the_tab(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url + AT_CELL)
    await page.wait_for(CONNECTED)
    assert "token" not in await page.run("location.href")
    assert TOKEN not in await page.run("JSON.stringify(localStorage) + document.documentElement.outerHTML")
    await page.command("Page.reload")
    await page.wait_for(f"performance.getEntriesByType('navigation')[0].type === 'reload' && {CONNECTED}")
    assert await page.run("document.getElementById('ask').open") is False


async def test_without_a_token_the_page_asks_for_one_once(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.page_url)
    await page.wait_for("document.getElementById('ask').open")
    assert await page.run("document.activeElement.id") == "token"
    await page.press("Escape")
    await page.wait_for("document.getElementById('ask').open && document.activeElement.id === 'token'")
    await page.command("Input.insertText", text=TOKEN)
    await page.press("Enter")
    await shown(page, drivers=3, cells=1)
    assert TOKEN not in await page.run("location.href + document.getElementById('token').value")


async def test_an_expired_token_is_not_even_tried(live: LiveServer, browser: Browser) -> None:
    expired = "e30.eyJleHAiOjF9.x"
    page = await browser.open(f"{live.page_url}#token={expired}")
    await page.wait_for("document.getElementById('ask').open")
    assert "expired" in await page.run("document.getElementById('why').innerText")
    assert [] == [url for url in page.requests if expired in url]


async def test_a_link_opens_the_same_view_and_the_url_follows_where_one_looks(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3})
    page = await browser.open(f"{live.web_url}{AT_CELL}&look=cells")
    await page.wait_for(READY)
    assert "#city=lagos&zoom=13.50&lat=6.4195&lon=3.4051&look=cells" == await page.run("location.hash")
    assert await page.run("document.querySelector('[name=look][value=cells]').checked") is True
    await page.run("document.querySelector('canvas').focus()")
    await page.press("ArrowRight")
    await page.wait_for("!location.hash.includes('lon=3.4051')")
    moved = await page.run("location.hash")
    again = await browser.open(f"{live.web_url}&{moved[1:]}")
    await again.wait_for(READY)
    assert moved == await again.run("location.hash")


async def test_an_edited_url_moves_the_map_without_loading_the_page_again(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    await live.change({"kzf0tv5": 7}, city="nairobi")
    page = await browser.open(live.web_url + AT_CELL)
    await shown(page, drivers=3, cells=1)
    await page.run("window.stays = true")
    await page.run("location.hash = '#city=nairobi&look=cells'")
    await shown(page, drivers=7, cells=1)
    assert await page.run("document.querySelector('[name=look][value=cells]').checked") is True
    assert await page.run("window.stays") is True


async def test_a_city_that_does_not_exist_is_answered_by_all_of_the_first_and_a_notice(
    live: LiveServer, browser: Browser
) -> None:
    usual = await browser.open(live.web_url)
    await usual.wait_for(READY)
    page = await browser.open(live.web_url + AT_CELL.replace("lagos", "atlantis"))
    await page.wait_for(READY)
    assert "lagos" == await page.state("city")
    assert await usual.run("location.hash") == await page.run("location.hash")
    assert "There is no city named atlantis: you see Lagos instead." == await text_of(page, "#notice")
