"""What tests of the page look for: what it tells of itself, and the colours that it shows."""

import base64

from browser.devtools import Page

# In Lagos; the centre of the first is 6.41945 N, 3.40508 E. Both lie in one cell of six characters.
CELL = "s14kt2x"
CENTRE = (6.41945, 3.40508)
OTHER = "s14kt28"
# Precision 7: its cells are 23 pixels wide there.
AT_CELL = "&city=lagos&zoom=13.5&lat=6.41945&lon=3.40508"

CONNECTED = "document.body.dataset.connection === 'connected'"
READY = "document.body.dataset.map === 'ready'"


async def shown(page: Page, drivers: int, cells: int) -> None:
    """Waits until the page tells these numbers."""
    await page.wait_for(f"document.body.dataset.drivers === '{drivers}' && document.body.dataset.cells === '{cells}'")


async def text_of(page: Page, selector: str) -> str:
    """What is read there, in one line."""
    return " ".join(str(await page.run(f"document.querySelector({selector!r}).innerText")).split())


async def turn_wheel(page: Page, x: float, y: float, delta: float) -> None:
    """Turns the wheel over a pixel, and waits until the map has moved.

    All turns between two drawings count as one: a busy page that is given three at once zooms no further than by one.
    """
    before = await page.run("location.hash")
    await page.wheel(x, y, delta)
    await page.wait_for(f"location.hash !== {before!r}")


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


async def colour_until(page: Page, at: tuple[int, int], ground: tuple[int, int, int], *, differs: bool) -> None:
    """Waits until a pixel has, or no longer has, another colour than the ground."""
    for _ in range(100):
        now = await colour(page, *at)
        difference = max(abs(a - b) for a, b in zip(now, ground, strict=True))
        if (difference > 50) if differs else (difference < 12):
            return
    raise AssertionError(f"expected {'another' if differs else 'the same'} colour than {ground}, got {now}")
