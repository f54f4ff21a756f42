"""The controls: reached by keyboard, remembered, and told to screen readers."""

from browser.devtools import Browser, Page, Screen
from browser.looks import AT_CELL, CELL, READY, colour, settled_colour, shown, text_of
from fakes.live_server import LiveServer

SCREEN = Screen(1000, 700)
MIDDLE = (500, 350)


async def focus_by_tab(page: Page, selector: str) -> None:
    """Presses Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(40):
        await page.press("Tab")
        if await page.run(f"document.activeElement.matches({selector!r})"):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


async def test_every_control_is_reached_by_tab_and_shows_the_focus(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url + AT_CELL, SCREEN)
    await page.wait_for(READY)
    reached: list[str] = []
    for _ in range(20):
        await page.press("Tab")
        reached.append(
            await page.run(
                "(({ id, name, tagName, type }) => id || name || type || tagName.toLowerCase())(document.activeElement)"
            )
        )
        ring = await page.run(
            """(() => {
                const focused = document.activeElement
                const drawn = focused.closest('.segmented label, .palettes label') ?? focused
                return focused === document.body || getComputedStyle(drawn).outlineStyle !== 'none'
            })()"""
        )
        assert ring, f"{reached[-1]} does not show that it has the focus"
    expected = {"canvas", "city", "whole", "look", "summary", "palette", "opacity", "radius", "theme", "detail"}
    assert expected <= set(reached)


async def test_the_look_is_switched_by_keyboard_and_the_url_tells_it(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 7})
    page = await browser.open(live.web_url + AT_CELL, SCREEN)
    await page.wait_for(READY)
    await focus_by_tab(page, "[name=look]")
    await page.press("ArrowRight")
    await page.wait_for("location.hash.includes('look=cells')")


async def test_what_was_chosen_is_there_again_after_a_reload(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url + AT_CELL, SCREEN)
    await page.wait_for(READY)
    await focus_by_tab(page, "[name=palette]")
    await page.press("ArrowRight")
    await page.press("ArrowRight")
    await focus_by_tab(page, "[name=opacity]")
    await page.press("ArrowLeft", times=4)
    await focus_by_tab(page, "[name=theme]")
    await page.press("ArrowRight")
    await page.press("ArrowRight")
    await page.wait_for("document.documentElement.dataset.theme === 'light'")
    assert "80 %" == await text_of(page, "#opacity-value")
    await page.command("Page.reload")
    await page.wait_for(f"performance.getEntriesByType('navigation')[0].type === 'reload' && {READY}")
    chosen = "Object.fromEntries(new FormData(document.getElementById('controls')))"
    assert {
        "look": "glow",
        "palette": "cividis",
        "opacity": "80",
        "radius": "100",
        "theme": "light",
        "detail": "auto",
        "tiles": "none",
    } == await page.run(chosen)


async def test_the_theme_turns_page_and_map_whatever_the_system_says(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url + AT_CELL, SCREEN)
    await page.wait_for(READY)
    night = await settled_colour(page, *MIDDLE)
    assert max(night) < 60
    await page.run("document.querySelector('[name=theme][value=light]').click()")
    await page.wait_for("getComputedStyle(document.body).color === 'rgb(20, 27, 38)'")
    day = night
    for _ in range(100):
        day = await colour(page, *MIDDLE)
        if min(day) > 180:
            break
    assert min(day) > 180


async def test_finer_cells_are_asked_for_when_they_are_chosen(live: LiveServer, browser: Browser) -> None:
    await live.change({CELL: 7})
    page = await browser.open(f"{live.web_url}&city=lagos&zoom=11&lat=6.42&lon=3.4", SCREEN)
    await shown(page, drivers=7, cells=1)
    assert "6" == await page.state("precision")
    await page.run("document.querySelector('[name=detail][value=fine]').click()")
    await page.wait_for("document.body.dataset.precision === '7'")
    assert [7] == [int(name.split("/")[1]) for name in live.watched]


async def test_the_legend_has_numbers_at_both_ends_and_follows_what_is_shown(
    live: LiveServer, browser: Browser
) -> None:
    await live.change({CELL: 3})
    page = await browser.open(live.web_url + AT_CELL, SCREEN)
    await shown(page, drivers=3, cells=1)
    assert "1 2 4+" == await text_of(page, "#ticks")
    ends = await page.run(
        """(() => {
            const ramp = document.getElementById('ramp').getBoundingClientRect()
            const ticks = [...document.querySelectorAll('#ticks li')].map((tick) => tick.getBoundingClientRect())
            return [ticks[0].left - ramp.left, ramp.right - ticks.at(-1).right]
        })()"""
    )
    assert all(abs(distance) < 2 for distance in ends), ends
    await live.change({CELL: 60})
    await page.wait_for("document.getElementById('ticks').innerText.includes('81+')")
    assert "1 3 9 27 81+" == await text_of(page, "#ticks")


async def test_everything_that_can_be_used_has_a_name(live: LiveServer, browser: Browser) -> None:
    page = await browser.open(live.web_url + AT_CELL, SCREEN)
    await page.wait_for(READY)
    tree = (await page.command("Accessibility.getFullAXTree"))["nodes"]
    usable = {"button", "combobox", "radio", "slider", "textbox", "link", "region", "group"}
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node["ignored"] and node["role"]["value"] in usable and not node.get("name", {}).get("value")
    ]
    assert [] == [role for role in nameless if role != "group"]
    names = {node["name"]["value"] for node in tree if not node["ignored"] and node.get("name", {}).get("value")}
    assert {"City", "Show the whole city", "Map of the live drivers", "The fleet now", "Legend"} <= names
