"""Makes the pictures of the documentation, from the running stack: day and night, desktop and phone.

    fleetglow up
    PYTHONPATH=tests .venv/bin/python -m browser.screenshots [folder]

It lets ten thousand drivers drive through Lagos, waits until the page shows all of them, and writes PNGs into the
folder, by default docs/images. `map.png`, which the README shows, is the night on a desktop.
"""

import asyncio
import struct
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from browser import chromium
from browser.chromium import Chromium
from browser.devtools import Browser, Page, Screen
from fleetglow.deployment import discover

FOLDER = Path(__file__).parents[2] / "docs" / "images"
DRIVERS = 10_000
SIMULATION = ["--drivers", str(DRIVERS), "--interval", "5", "--duration", "900", "--city", "lagos"]
MOST_BYTES = 500_000
# Ten thousand drivers need a while to have sent their first ping, and the first tick comes within a minute.
FULL_S = 240.0
MAP_S = 120.0
# What has changed flashes up; a picture is taken when it is calm again.
CALM_S = 2.0


@dataclass(frozen=True)
class Picture:
    """One file: what the page is shown on, and where it looks."""

    name: str
    screen: Screen
    view: str = "city=lagos"


DESKTOP = (1280, 800)
PHONE = (390, 844)
CLOSER = "city=lagos&zoom=9.55&lat=6.5&lon=3.4"
PICTURES = (
    Picture("night-desktop.png", Screen(*DESKTOP, "dark")),
    Picture("day-desktop.png", Screen(*DESKTOP, "light")),
    Picture("night-phone.png", Screen(*PHONE, "dark", phone=True), CLOSER),
    Picture("day-phone.png", Screen(*PHONE, "light", phone=True), CLOSER),
)
COPIES = {"map.png": "night-desktop.png"}


async def taken(browser: Browser, web_url: str, picture: Picture) -> bytes:
    """A picture of the page once it shows all drivers, as a PNG."""
    page = await browser.open(f"{web_url}&{picture.view}", picture.screen)
    await page.wait_for("document.body.dataset.map === 'ready'", within_s=MAP_S)
    await page.wait_for(f"Number(document.body.dataset.drivers) >= {DRIVERS}", within_s=FULL_S)
    await calm(page)
    png = smaller(await page.screenshot())
    assert [] == page.errors
    await browser.close_page(page)
    return png


async def calm(page: Page) -> None:
    """Waits for the next frame, and until its changes have been drawn."""
    rev = await page.state("rev")
    await page.wait_for(f"document.body.dataset.rev !== '{rev}'", within_s=MAP_S)
    await asyncio.sleep(CALM_S)


def smaller(png: bytes) -> bytes:
    """The same picture, compressed as well as it can be: a browser's PNGs are made in a hurry."""
    out, pixels, at = [png[:8]], b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, chunk = png[at + 4 : at + 8], png[at : at + length + 12]
        if kind == b"IDAT":
            pixels += chunk[8:-4]
        elif kind == b"IEND":
            packed = b"IDAT" + zlib.compress(zlib.decompress(pixels), 9)
            out += [struct.pack(">I", len(packed) - 4), packed, struct.pack(">I", zlib.crc32(packed)), chunk]
        else:
            out.append(chunk)
        at += length + 12
    return min(png, b"".join(out), key=len)


async def take_all(folder: Path) -> None:
    program = chromium.find()
    if program is None:
        sys.exit(f"no browser: expected one of {', '.join(chromium.NAMES)} on PATH")
    web_url = discover().web_url
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        running = Chromium(program, Path(profile))
        try:
            browser = await Browser.connect(running.devtools_url)
            for picture in PICTURES:
                png = await taken(browser, web_url, picture)
                if len(png) > MOST_BYTES:
                    sys.exit(f"{picture.name}: expected at most {MOST_BYTES} bytes, got {len(png)}")
                for name in (picture.name, *(copy for copy, original in COPIES.items() if original == picture.name)):
                    (folder / name).write_bytes(png)
                    sys.stderr.write(f"{folder / name}: {len(png)} bytes\n")
            await browser.close()
        finally:
            running.stop()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    fleet = subprocess.Popen([sys.executable, "-m", "fleetglow", "simulate", *SIMULATION])
    try:
        asyncio.run(take_all(folder))
    finally:
        fleet.terminate()
        fleet.wait(30)


if __name__ == "__main__":
    main()
