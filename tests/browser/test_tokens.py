"""What a token opens, and what the page says where it opens less than everything."""

import base64
import json
import time

from browser.devtools import Browser, Page
from browser.looks import AT_CELL, CELL, CONNECTED, OTHER, READY, shown, text_of
from fakes.live_server import TOKEN, LiveServer

ASKED = "document.getElementById('ask').open"


def a_token(ends_at: int) -> str:
    """What looks like a JWT to who cannot check it; it ends at that second."""
    claims = json.dumps({"exp": ends_at}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"


async def reason(page: Page) -> str:
    """Why the page asks for a token."""
    await page.wait_for(ASKED, within_s=40)
    return await text_of(page, "#why")


async def enter(page: Page, token: str) -> None:
    await page.command("Input.insertText", text=token)
    await page.press("Enter")


async def test_who_is_shown_no_small_counts_is_told_so_beside_a_legend_that_begins_with_the_least(
    live: LiveServer, browser: Browser
) -> None:
    live.heat.min_cell_drivers = 3
    await live.change({CELL: 3, OTHER: 5})
    page = await browser.open(live.web_url + AT_CELL)
    await shown(page, drivers=8, cells=2)
    await page.wait_for(READY)
    hidden = "Cells with fewer than 3 drivers are hidden; counts are rounded down, by up to 2."
    assert hidden == await text_of(page, "#hidden-cells")
    assert "3 6 12+" == await text_of(page, "#ticks")
    assert "8 shown in view" in await text_of(page, ".panel")
    assert "Cells" == await text_of(page, "#cells-look")
    await page.run("document.querySelector('canvas').focus()")
    await page.press("Enter")
    await page.press("ArrowRight")
    await page.wait_for("document.body.dataset.cellCount === '0'")
    assert "fewer than 3 drivers" in await text_of(page, "#cell-live")


async def test_who_sees_exact_counts_is_not_told_that_cells_are_hidden(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3, OTHER: 1})
    page = await browser.open(live.web_url + AT_CELL)
    await shown(page, drivers=4, cells=2)
    assert "" == await text_of(page, "#hidden-cells")
    assert "1 2 4+" == await text_of(page, "#ticks")
    assert "Exact cells" == await text_of(page, "#cells-look")


async def test_a_place_in_which_nobody_is_shown_may_have_few_drivers(live: LiveServer, browser: Browser) -> None:
    live.heat.min_cell_drivers = 3
    page = await browser.open(f"{live.web_url}&city=nairobi")
    await page.wait_for("document.body.dataset.drivers === '0'")
    assert "Fewer than 3 drivers in Nairobi right now" in await text_of(page, ".panel")


async def test_a_token_that_is_not_taken_is_asked_for_again(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    live.tokens = {"another"}
    page = await browser.open(live.web_url + AT_CELL)
    assert "The server does not accept this token." == await reason(page)
    assert "refused" == await page.state("connection")
    await enter(page, "another")
    await shown(page, drivers=3, cells=1)


async def test_a_token_that_ends_while_the_page_is_open_is_told_as_expired(live: LiveServer, browser: Browser) -> None:
    ends_at = round(time.time()) + 600
    token = a_token(ends_at)
    live.tokens = {token}
    await live.change({CELL: 3})
    page = await browser.open(f"{live.page_url}#token={token}{AT_CELL}")
    await shown(page, drivers=3, cells=1)
    live.tokens = {TOKEN}
    await page.run(f"Date.now = () => {1_000 * (ends_at + 1)}")
    await live.drop()
    assert "Your token has expired." == await reason(page)
    await enter(page, TOKEN)
    await shown(page, drivers=3, cells=1)


async def test_a_token_for_another_city_shows_that_one_and_says_why(live: LiveServer, browser: Browser) -> None:
    live.heat.open_cities = frozenset({"nairobi"})
    await live.change({"kzf0tv5": 7}, city="nairobi")
    page = await browser.open(live.web_url + AT_CELL)
    await shown(page, drivers=7, cells=1)
    assert "This token is not good for Lagos: you see Nairobi instead." == await text_of(page, "#notice")
    assert ["nairobi"] == await page.run("[...document.getElementById('city').options].map(({ value }) => value)")
    assert "#city=nairobi" in await page.run("location.hash")


async def test_a_link_to_a_city_that_is_not_open_stays_over_the_one_that_is_and_says_why(
    live: LiveServer, browser: Browser
) -> None:
    live.heat.open_cities = frozenset({"nairobi"})
    await live.change({"kzf0tv5": 7}, city="nairobi")
    page = await browser.open(f"{live.web_url}&city=nairobi")
    await shown(page, drivers=7, cells=1)
    await page.wait_for(f"document.getElementById('city').options.length === 1 && {READY}")
    await page.run(f"location.hash = '#{AT_CELL.removeprefix('&')}'")
    await page.wait_for("!document.getElementById('notice').hidden && !location.hash.includes('lagos')")
    assert "This token is not good for Lagos: you see Nairobi instead." == await text_of(page, "#notice")
    assert (-1.45 < await page.run("Number(new URLSearchParams(location.hash.slice(1)).get('lat'))") < -1.15) is True
    await page.run("location.hash = '#city=nairobi'")
    await page.wait_for("document.getElementById('notice').hidden")
    assert "7" == await page.state("drivers")


async def test_a_token_that_opens_what_the_one_before_did_not_takes_back_that_it_is_missing(
    live: LiveServer, browser: Browser
) -> None:
    live.heat.open_cities = frozenset({"nairobi"})
    await live.change({"kzf0tv5": 7}, city="nairobi")
    page = await browser.open(live.web_url + AT_CELL)
    await shown(page, drivers=7, cells=1)
    assert "This token is not good for Lagos: you see Nairobi instead." == await text_of(page, "#notice")
    live.tokens = {"another"}
    live.heat.open_cities = None
    await live.drop()
    await reason(page)
    await enter(page, "another")
    await page.wait_for("document.getElementById('notice').hidden")
    assert ["lagos", "nairobi"] == await page.run("[...document.getElementById('city').options].map((o) => o.value)")


async def test_what_else_is_forbidden_is_told_in_the_servers_words(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT_CELL)
    await shown(page, drivers=3, cells=1)
    live.refuse_next("subscribe", "forbidden", "hours: expected a working day, got a Sunday")
    await page.run("location.hash = '#city=nairobi'")
    told = "The server says: hours: expected a working day, got a Sunday"
    await page.wait_for(f"document.getElementById('notice').innerText === {told!r}")


async def test_a_token_that_is_good_for_no_city_is_replaced(live: LiveServer, browser: Browser) -> None:
    live.heat.open_cities = frozenset()
    page = await browser.open(live.web_url + AT_CELL)
    assert "This token is good for none of the cities." == await reason(page)


async def test_after_a_token_that_is_taken_no_more_another_may_open_other_cities(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({"kzf0tv5": 7}, city="nairobi")
    page = await browser.open(live.web_url + AT_CELL)
    await page.wait_for(f"document.getElementById('city').options.length === 2 && {CONNECTED}")
    live.tokens = {"another"}
    live.heat.open_cities = frozenset({"nairobi"})
    await live.drop()
    assert "The server does not accept this token any more." == await reason(page)
    await enter(page, "another")
    await shown(page, drivers=7, cells=1)


async def test_a_token_that_may_not_watch_is_replaced_by_one_that_may(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 3})
    live.tokens = {TOKEN, "another"}
    live.refuse_next("subscribe", "forbidden", "scope: expected heatmap:read, got pings:write")
    page = await browser.open(live.web_url + AT_CELL)
    assert "This token does not open the map: it lacks the scope heatmap:read." == await reason(page)
    await enter(page, "another")
    await shown(page, drivers=3, cells=1)
    assert "another" == live.tried[-1]
