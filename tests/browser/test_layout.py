"""The page on screens of several sizes, and how soon something of it is seen."""

import pytest

from browser.devtools import Browser, Page, Screen
from browser.looks import AT_CELL, CELL, READY, shown
from fakes.live_server import LiveServer

PHONE = Screen(390, 844, phone=True)
FIRST_PAINT_MS = 1_000
TRIES = 8
# The page does not wait for its first paint for ever: in the background there is none.
PAINT_AWAITED_MS = 2_000


async def boxes(page: Page, selector: str) -> list[list[float]]:
    """Left, top, right and bottom of the elements that are seen."""
    found: list[list[float]] = await page.run(
        f"""[...document.querySelectorAll({selector!r})].map((each) => each.getBoundingClientRect())
            .filter(({{ width }}) => width > 0).map(({{ left, top, right, bottom }}) => [left, top, right, bottom])"""
    )
    return found


@pytest.mark.parametrize(
    "screen", [PHONE, Screen(320, 568, phone=True), Screen(844, 390, phone=True), Screen(768, 1024), Screen(1280, 800)]
)
async def test_nothing_is_wider_than_the_screen_and_no_card_covers_another(
    live: LiveServer, browser: Browser, screen: Screen
) -> None:
    # The legend is highest where it has something to say.
    live.heat.min_cell_drivers = 3
    page = await browser.open(live.web_url, screen)
    await page.wait_for(f"{READY} && !document.getElementById('hidden-cells').hidden")
    assert screen.width == await page.run("document.documentElement.scrollWidth")
    cards = await boxes(page, ".card:not(dialog)")
    assert 3 == len(cards)
    for left, top, right, bottom in cards:
        assert left >= 0
        assert top >= 0
        assert right <= screen.width
        assert bottom <= screen.height
    for i, a in enumerate(cards):
        for b in cards[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)


async def test_on_a_phone_the_controls_are_closed_until_they_are_opened_and_then_fit(
    live: LiveServer, browser: Browser
) -> None:
    page = await browser.open(live.web_url, PHONE)
    await page.wait_for(READY)
    assert await page.run("document.getElementById('display').open") is False
    await page.run("document.querySelector('#display summary').click()")
    await page.wait_for("document.getElementById('display').open")
    [display] = await boxes(page, ".display")
    [panel] = await boxes(page, ".panel")
    [legend] = await boxes(page, ".legend")
    assert panel[3] <= display[1]
    assert display[3] <= legend[1]
    assert 390 == await page.run("document.documentElement.scrollWidth")


async def test_on_a_phone_the_city_is_seen_between_the_cards(live: LiveServer, browser: Browser) -> None:
    # Close to its southern and northern end.
    await live.change({"s14kd2x": 3, "s14t82x": 5})
    page = await browser.open(live.web_url, PHONE)
    await page.wait_for(READY)
    await page.wait_for("document.body.dataset.inView === '8'")


async def test_the_page_is_seen_within_a_second_and_before_the_map_is_asked_for(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3})
    tried: list[float] = []
    # Other programs may take the processor for a while, but not each time.
    while len(tried) < TRIES and not any(painted < FIRST_PAINT_MS for painted in tried):
        page = await browser.open(live.web_url + AT_CELL)
        await shown(page, drivers=3, cells=1)
        await page.wait_for(READY)
        tried.append(await first_paint_ms(page))
        assert tried[-1] < await map_asked_for_ms(page) or tried[-1] > PAINT_AWAITED_MS
        await browser.close_page(page)
    assert tried[-1] < FIRST_PAINT_MS, tried


async def first_paint_ms(page: Page) -> float:
    return float(await page.run("performance.getEntriesByName('first-contentful-paint')[0].startTime"))


async def map_asked_for_ms(page: Page) -> float:
    files = "performance.getEntriesByType('resource')"
    return float(await page.run(f"{files}.find(({{ name }}) => /assets.map-.*js/.test(name)).startTime"))
