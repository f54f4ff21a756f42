import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator

import pytest
from rich.console import Console

from fleetglow.client import HeatmapView
from fleetglow.errors import NotRunning
from fleetglow.watching import PlainLines, Watched, follow, picture
from heatmap.cities import cities

LAGOS = cities().get("lagos")
WATCHED = Watched(LAGOS, 7, LAGOS.bbox)


def a_view(frames: int = 1, link: str = "connected") -> HeatmapView:
    return HeatmapView(
        link=link,
        cells={"s14mk2x": 3},
        epoch="e1" if frames else None,
        rev=10 + frames,
        drivers=3,
        as_of="2026-01-01T00:00:05.123Z",
        lag_ms=40,
        received_at=100.0,
        frames=frames,
    )


async def views(*given: HeatmapView, endless: bool = False) -> AsyncIterator[HeatmapView]:
    for view in given:
        yield view
    if endless:
        await asyncio.Event().wait()


async def test_one_frame_is_enough_if_only_one_is_wanted():
    shown: list[HeatmapView] = []
    await follow(views(a_view(frames=0), a_view(), a_view(frames=2)), shown.append, None, once=True)

    assert [a_view()] == shown


async def test_it_ends_when_the_time_is_up():
    shown: list[HeatmapView] = []
    await follow(views(a_view(), endless=True), shown.append, 0.01, once=False)

    assert [a_view()] == shown


async def test_a_time_without_any_frame_is_an_error():
    with pytest.raises(NotRunning, match=r"no frame came within 0\.01 s"):
        await follow(views(a_view(frames=0), endless=True), lambda _view: None, 0.01, once=True)


async def test_ctrl_c_ends_it_in_good_order():
    shown: list[HeatmapView] = []

    def show(view: HeatmapView) -> None:
        shown.append(view)
        os.kill(os.getpid(), signal.SIGINT)

    await follow(views(a_view(), endless=True), show, 30, once=False)

    assert [a_view()] == shown


def test_plain_output_is_a_line_for_each_frame_and_each_change_of_the_connection():
    out: list[str] = []
    err: list[str] = []
    lines = PlainLines(WATCHED, out.append, err.append)
    for view in (a_view(frames=0), a_view(), a_view(), a_view(link="reconnecting"), a_view(frames=2)):
        lines(view)

    assert [
        "00:00:05 lagos rev 11 drivers 3 cells 1 lag 40 ms",
        "00:00:05 lagos rev 12 drivers 3 cells 1 lag 40 ms",
    ] == out
    assert ["lagos: connected", "lagos: reconnecting", "lagos: connected"] == err


def test_the_picture_tells_city_figures_age_and_connection_and_fits_the_window():
    console = Console(width=120, height=30, file=io.StringIO(), record=True)
    console.print(picture(a_view(), WATCHED, console, now=104.0))
    text = console.export_text()

    assert "Lagos  3 drivers in 1 cells of precision 7  rev 11  4 s old, lag 40 ms  connected" in text
    assert "drivers  ██ 1  ██ 2  ██ 3" in text
    assert len(text.rstrip("\n").split("\n")) <= 30
