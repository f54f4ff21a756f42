"""Reading single cells: by mouse, finger and keyboard."""

import pytest

from browser.devtools import Browser, Page, Screen
from browser.looks import AT_CELL, CELL, OTHER, READY, colour_until, settled_colour, shown, text_of
from fakes.live_server import LiveServer

MIDDLE = (320, 240)
SMALL = Screen(640, 480)


async def at_cell(live: LiveServer, browser: Browser, screen: Screen = SMALL, more: str = "") -> Page:
    """The page with `CELL` in its middle."""
    page = await browser.open(live.web_url + AT_CELL + more, screen)
    await page.wait_for(READY)
    return page


async def test_the_cell_under_the_mouse_is_outlined_and_told_with_its_exact_count(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3, OTHER: 1})
    page = await at_cell(live, browser)
    await shown(page, drivers=4, cells=2)
    await page.point(*MIDDLE)
    await page.wait_for("document.body.dataset.cell")
    assert f"{CELL} · 3 drivers" == await text_of(page, ".cursor-label")
    box = await page.run("(({ left, top, right, bottom }) => [left, top, right, bottom])"
                         "(document.querySelector('.cursor').getBoundingClientRect())")  # fmt: skip
    assert box[0] < MIDDLE[0] < box[2]
    assert box[1] < MIDDLE[1] < box[3]
    await live.change({CELL: 1})
    await page.wait_for("document.body.dataset.cellCount === '1'")
    assert f"{CELL} · 1 driver" == await text_of(page, ".cursor-label")


async def test_a_mouse_over_an_empty_cell_or_beside_the_map_tells_nothing(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await at_cell(live, browser)
    await shown(page, drivers=3, cells=1)
    await page.point(*MIDDLE)
    await page.wait_for("document.body.dataset.cell")
    await page.point(MIDDLE[0] + 60, MIDDLE[1] + 60)
    await page.wait_for("!document.body.dataset.cell && document.querySelector('.cursor').hidden")


async def test_a_tap_holds_a_cell_and_another_one_lets_it_go(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    phone = Screen(390, 844, phone=True)
    page = await at_cell(live, browser, phone)
    await shown(page, drivers=3, cells=1)
    touch = {"x": 195, "y": 422}
    # A phone's screen is dense, so its cells are finer.
    for expected in (f".startsWith('{CELL}')", " === ''"):
        await page.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=[touch])
        await page.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        await page.wait_for(f"document.body.dataset.cell{expected}")


async def test_the_keyboard_reads_cell_by_cell_and_each_is_read_out(live: LiveServer, browser: Browser) -> None:
    # South of the first cell, and east of that.
    await live.change({CELL: 3, "s14kt2r": 8})
    page = await at_cell(live, browser)
    await shown(page, drivers=11, cells=2)
    await page.run("document.querySelector('canvas').focus()")
    await page.press("Enter")
    await page.wait_for(f"document.body.dataset.cell === '{CELL}'")
    assert f"{CELL} · 3 drivers" == await text_of(page, "#cell-live")
    hash_before = await page.run("location.hash")
    await page.press("ArrowDown")
    await page.wait_for(f"document.body.dataset.cell && document.body.dataset.cell !== '{CELL}'")
    assert "s14kt2r · 8 drivers" == await text_of(page, "#cell-live")
    await page.press("ArrowRight")
    await page.wait_for("document.body.dataset.cellCount === '0'")
    assert "no drivers" in await text_of(page, "#cell-live")
    assert hash_before == await page.run("location.hash"), "the map has moved"
    await page.press("Escape")
    await page.wait_for("!document.body.dataset.cell")
    await page.press("ArrowDown")
    await page.wait_for(f"location.hash !== {hash_before!r}")


@pytest.mark.parametrize("look", ["glow", "cells"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_a_cell_stands_out_from_the_map_and_fades_when_it_empties(
    live: LiveServer, browser: Browser, scheme: str, look: str
) -> None:
    page = await at_cell(live, browser, Screen(640, 480, scheme), f"&look={look}")
    await page.wait_for("document.body.dataset.rev === '1'")
    ground = await settled_colour(page, *MIDDLE)
    await live.change({CELL: 7})
    await colour_until(page, MIDDLE, ground, differs=True)
    await live.change({CELL: 0})
    await colour_until(page, MIDDLE, ground, differs=False)


async def test_who_asks_for_calm_gets_a_map_that_changes_at_once(live: LiveServer, browser: Browser) -> None:
    page = await at_cell(live, browser, Screen(640, 480, calm=True), "&look=cells")
    await page.wait_for("document.body.dataset.rev === '1'")
    ground = await settled_colour(page, *MIDDLE)
    await live.change({CELL: 7})
    await colour_until(page, MIDDLE, ground, differs=True)
    assert "0s" == await page.run("getComputedStyle(document.getElementById('map')).transitionDuration")
