"""What the page asks for when one looks elsewhere, and what it shows meanwhile."""

from browser.devtools import Browser, Page, Screen
from browser.looks import CELL, OTHER, READY, shown, text_of, turn_wheel
from fakes.live_server import LiveServer

SCREEN = Screen(800, 600)
MIDDLE = (400, 300)
AT = "&city=lagos&zoom=13&lat=6.42&lon=3.4"
# 0.13 degrees to the north of the others.
FAR = {"s14mk2x": 7}


def precisions(live: LiveServer) -> list[int]:
    return [int(message["precision"]) for message in live.subscribes]


async def zoom_out(page: Page) -> None:
    """Far enough for another precision."""
    for _ in range(3):
        await turn_wheel(page, *MIDDLE, 900)


async def test_the_precision_follows_the_zoom_and_the_old_viewport_is_left(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3, OTHER: 1})
    page = await browser.open(live.web_url + AT, SCREEN)
    await shown(page, drivers=4, cells=2)
    await page.wait_for(READY)
    assert "cells of ~153 m" in await text_of(page, ".legend")
    await zoom_out(page)
    await page.wait_for("document.body.dataset.precision !== '7'")
    coarser = int(await page.state("precision") or 0)
    assert coarser < 7
    assert "cells of ~153 m" not in await text_of(page, ".legend")
    await page.wait_for("document.body.dataset.cells === '1'")
    assert "4" == await page.state("drivers")
    assert {7, coarser} == set(precisions(live))
    await live.change({CELL: 5})
    await shown(page, drivers=6, cells=1)
    assert [name.split("/")[1] for name in live.watched] == [str(coarser)]


async def test_a_pan_within_the_watched_tiles_asks_for_nothing_and_one_beyond_watches_what_is_seen_now(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3, **FAR})
    page = await browser.open(live.web_url + AT, SCREEN)
    await shown(page, drivers=10, cells=1)
    await page.wait_for(READY)
    before = await page.run("location.hash")
    await page.drag(MIDDLE, (403, 303))
    await page.wait_for(f"location.hash !== {before!r}")
    await live.change({CELL: 4})
    await shown(page, drivers=11, cells=1)
    assert 1 == len(live.subscribes)
    # That is 1,500 pixels to the north and 450 to the west.
    for _ in range(3):
        await page.drag((500, 80), (640, 560))
    await page.wait_for("document.body.dataset.inView === '7'")
    await page.wait_for("document.body.dataset.cells === '1'")
    assert set(precisions(live)) == {7}
    assert 1 == len(live.watched)
    assert len(live.unsubscribes) == len(live.subscribes) - 1


async def test_the_old_cells_stay_on_the_map_until_the_new_ones_are_there(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3, OTHER: 1})
    page = await browser.open(live.web_url + AT, SCREEN)
    await shown(page, drivers=4, cells=2)
    await page.wait_for(READY)
    await page.run(
        "(window.least = 9, new MutationObserver(() => "
        "window.least = Math.min(window.least, Number(document.body.dataset.cells)))"
        ".observe(document.body, { attributes: true }))"
    )
    await zoom_out(page)
    await page.wait_for("document.body.dataset.precision !== '7'")
    assert 1 == await page.run("window.least")


async def test_a_viewport_that_is_refused_as_too_large_falls_to_the_precision_that_the_server_names(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3})
    refusal = "bbox: expected at most 1 tiles at precision 7 (precision 5 would fit), got 4"
    live.refuse_next("subscribe", "too_large", refusal)
    page = await browser.open(live.web_url + AT, SCREEN)
    await shown(page, drivers=3, cells=1)
    assert "5" == await page.state("precision")


async def test_another_city_is_watched_from_the_selector_and_back_returns_to_the_first(
    live: LiveServer, browser: Browser
) -> None:
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
    await page.run("history.back()")
    await shown(page, drivers=3, cells=1)
    assert "lagos" == await page.state("city")
    assert "city=lagos" in await page.run("location.hash")
    await page.run("history.forward()")
    await shown(page, drivers=7, cells=1)


async def test_the_whole_city_is_shown_again_by_one_button(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3, **FAR})
    page = await browser.open(f"{live.web_url}&city=lagos&zoom=15&lat=6.42&lon=3.4")
    await page.wait_for("document.body.dataset.inView === '3'")
    await page.wait_for(READY)
    await page.run("document.getElementById('whole').click()")
    await page.wait_for("document.body.dataset.inView === '10'")


async def test_the_cities_are_those_that_the_server_lists(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url)
    await page.wait_for("document.querySelectorAll('#city option').length === 2")
    assert "Lagos Nairobi" == await text_of(page, "#city")
