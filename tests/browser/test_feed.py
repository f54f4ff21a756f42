"""The page and its feed: what it shows, how fresh it says that is, and what it does when the feed breaks."""

from browser.devtools import Browser, Page
from browser.looks import AT_CELL, CELL, CONNECTED, OTHER, READY, shown, text_of
from fakes.live_server import LiveServer

AT = AT_CELL


async def test_the_page_shows_what_is_live_and_how_fresh_it_is(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 1200, OTHER: 34})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=1234, cells=2)
    await page.wait_for(READY)
    panel = await text_of(page, ".panel")
    assert "1,234 live drivers" in panel
    assert "1,234 in view" in panel
    assert "Live" in panel
    assert "40 ms" in panel
    assert "B/min" in panel
    assert await page.state("stale") == "false"
    assert [] == page.errors


async def test_a_delta_moves_the_counts_without_another_subscribe(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3, OTHER: 1})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=4, cells=2)
    await live.change({CELL: 5, OTHER: 0})
    await shown(page, drivers=5, cells=1)
    assert 1 == len(live.subscribes)


async def test_a_lost_delta_is_asked_for_when_the_next_one_shows_the_gap(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=3, cells=1)
    await live.change({OTHER: 2}, lose=True)
    await live.change({CELL: 4})
    await shown(page, drivers=6, cells=2)
    assert {"epoch": live.epoch, "rev": 2} == live.subscribes[-1]["since"]


async def test_after_a_dropped_connection_the_page_counts_down_comes_back_and_resumes(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=3, cells=1)
    live.accepting = False
    await live.drop()
    await page.wait_for("document.body.dataset.connection === 'reconnecting'")
    await page.wait_for("/^in \\d+ s$/.test(document.getElementById('countdown').innerText)")
    await live.change({CELL: 0, OTHER: 8})
    live.accepting = True
    await page.wait_for(CONNECTED)
    await shown(page, drivers=8, cells=1)
    assert {"epoch": live.epoch, "rev": 2} == live.subscribes[-1]["since"]


async def test_a_page_that_lost_its_network_says_so_and_is_exact_again_with_it(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=3, cells=1)
    await page.go_offline()
    await live.drop()
    await page.wait_for("document.body.dataset.connection === 'offline'")
    assert "Offline" in await text_of(page, "[role=status]")
    await live.change({CELL: 0, OTHER: 8})
    await page.go_offline(False)
    await page.wait_for(CONNECTED)
    await shown(page, drivers=8, cells=1)


async def test_a_silent_server_is_told_as_stale_on_a_dimmed_map_until_it_speaks_again(
    live: LiveServer, browser: Browser
) -> None:
    live.heartbeat_seconds = 2
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=3, cells=1)
    assert "none" == await filter_of_map(page)
    live.silent = True
    await page.wait_for("document.body.dataset.stale === 'true'")
    assert "Stale" in await text_of(page, "[role=status]") or "Reconnecting" in await text_of(page, "[role=status]")
    await page.wait_for("getComputedStyle(document.getElementById('map')).filter.includes('grayscale')")
    live.silent = False
    await live.change({CELL: 4})
    await page.wait_for("document.body.dataset.stale === 'false'", within_s=40)
    await shown(page, drivers=4, cells=1)


async def filter_of_map(page: Page) -> str:
    return str(await page.run("getComputedStyle(document.getElementById('map')).filter"))


async def test_the_age_of_the_last_frame_grows_by_itself(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT)
    await page.wait_for("Number(document.body.dataset.frameAge) >= 2")
    assert "s ago" in await text_of(page, "#age")


async def test_what_ticks_is_not_read_out_each_second(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT)
    await shown(page, drivers=3, cells=1)
    await page.run(
        "(window.heard = 0, new MutationObserver(() => window.heard++).observe(document.querySelector('[role=status]'),"
        " { childList: true, characterData: true, subtree: true }))"
    )
    await page.wait_for("Number(document.body.dataset.frameAge) >= 3")
    assert 0 == await page.run("window.heard")
    live_regions = (
        "[...document.querySelectorAll('[aria-live], [role=status], [role=alert], output:not([aria-hidden])')]"
    )
    assert ["link", "notice", "cell-live"] == await page.run(f"{live_regions}.map(({{ id }}) => id)")


async def test_an_empty_city_says_so(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(f"{live.web_url}&city=nairobi")
    await page.wait_for("document.body.dataset.drivers === '0'")
    assert "No drivers in Nairobi right now" in await text_of(page, ".panel")
