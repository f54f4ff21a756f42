import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fakes.asyncio_clock import FakeAsyncClock
from fleetglow.command_line import app
from fleetglow.errors import BadInput, NotRunning
from fleetglow.heatmap_view import HeatmapView, Link
from fleetglow.watching import Picture, PlainLines, Watched, follow, looked_at, plain_precision
from heatmap.cells import BBox, cell_of
from heatmap.cities import cities
from stamped_lines import without_moments

LAGOS = cities().get("lagos")
ISLAND = BBox(6.42, 3.38, 6.47, 3.43)


def a_view(frames: int = 1, link: Link = "connected") -> HeatmapView:
    return HeatmapView(
        link=link,
        precision=7,
        cells={cell_of(6.44, 3.4, 7): 3, cell_of(6.7, 3.2, 7): 2},
        epoch="e1" if frames else None,
        rev=10 + frames,
        drivers=5,
        as_of=datetime(2026, 1, 1, 0, 0, 5, 123_000, UTC) if frames else None,
        lag_ms=40,
        received_at=100.0 if frames else None,
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
    away = replace(a_view(frames=0, link="connecting"), trouble="the server answered 503")
    with pytest.raises(NotRunning, match=r"^no frame came within 0\.01 s; connecting: the server answered 503$"):
        await follow(views(away, endless=True), lambda _view: None, 0.01, once=True)


def test_plain_output_is_a_line_for_each_frame_and_each_change_of_the_connection():
    out: list[str] = []
    err: list[str] = []
    lines = PlainLines(Watched(LAGOS), out.append, err.append, FakeAsyncClock())
    for view in (a_view(frames=0), a_view(), a_view(), a_view(link="reconnecting"), a_view(frames=2)):
        lines(view)

    assert [
        "00:00:05 lagos rev 11 drivers 5 cells 2 lag 40 ms",
        "00:00:05 lagos rev 12 drivers 5 cells 2 lag 40 ms",
    ] == out
    assert ["lagos: connected", "lagos: reconnecting", "lagos: connected"] == [without_moments(line) for line in err]


def test_plain_output_says_where_cells_of_few_drivers_are_hidden():
    out: list[str] = []
    PlainLines(Watched(LAGOS), out.append, out.append, FakeAsyncClock())(
        replace(a_view(), min_cell_drivers=3, lag_ms=0)
    )

    assert "00:00:05 lagos rev 11 drivers 5 cells 2 of 3 or more" == out[-1]


def test_the_picture_says_where_cells_of_few_drivers_are_hidden():
    top, *_, legend = pictured(replace(a_view(), min_cell_drivers=3), a_console())[1:]

    assert "cells under 3 drivers hidden" in top
    assert "square     3" in legend


def test_the_picture_tells_no_lag_where_the_server_tells_none():
    header = pictured(replace(a_view(), min_cell_drivers=3, lag_ms=0), a_console())[0]

    assert header.endswith("  rev 11  4 s old  connected")


def test_each_reason_for_which_there_is_no_connection_is_told_once():
    err: list[str] = []
    lines = PlainLines(Watched(LAGOS), lambda _line: None, err.append, FakeAsyncClock())
    away = a_view(frames=0, link="connecting")
    refused, busy = (replace(away, trouble=trouble) for trouble in ("Connection refused", "the server answered 503"))
    for view in (away, refused, refused, busy, a_view()):
        lines(view)

    assert [
        "lagos: connecting",
        "lagos: connecting: Connection refused",
        "lagos: connecting: the server answered 503",
        "lagos: connected",
    ] == [without_moments(line) for line in err]


def test_that_the_server_counts_anew_is_told_with_the_moment():
    err: list[str] = []
    lines = PlainLines(Watched(LAGOS), lambda _line: None, err.append, FakeAsyncClock())
    for view in (a_view(), replace(a_view(), epoch=None), a_view(), replace(a_view(frames=2), epoch="e2")):
        lines(view)

    assert [
        "2026-01-01T00:00:00Z lagos: connected",
        "2026-01-01T00:00:00Z lagos: the server counts anew: epoch e2, after e1",
    ] == err


async def test_each_silence_is_told_once_with_the_moment_since_when_it_lasts():
    err: list[str] = []
    clock = FakeAsyncClock()
    lines = PlainLines(Watched(LAGOS), lambda _line: None, err.append, clock)
    lines(replace(a_view(), received_at=0.0, heartbeat_s=15))
    heeding = asyncio.create_task(lines.heed_silence())
    for _ in range(60):
        await asyncio.sleep(0)
    lines(replace(a_view(), received_at=60.0, heartbeat_s=15))
    for _ in range(40):
        await asyncio.sleep(0)
    heeding.cancel()

    assert [
        "2026-01-01T00:00:23Z lagos: nothing has come since 2026-01-01T00:00:00Z, for 23 s",
        "2026-01-01T00:01:23Z lagos: nothing has come since 2026-01-01T00:01:00Z, for 23 s",
    ] == err[1:]


def a_console(width: int = 120, height: int = 30, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(width=width, height=height, file=file, force_terminal=True, color_system="truecolor", record=True)


def pictured(view: HeatmapView, console: Console, watched: Watched = Watched(LAGOS), now: float = 104.0) -> list[str]:  # noqa: B008
    console.print(Picture(watched, console).render(view, now))
    return console.export_text().rstrip("\n").split("\n")


def test_the_picture_tells_city_figures_age_and_connection_and_fills_the_window():
    lines = pictured(a_view(), a_console())

    assert lines[0].startswith("Lagos  5 drivers  2 cells at precision 7  ")
    assert lines[0].endswith("  rev 11  lag 40 ms  4 s old  connected")
    assert "drivers per 856 m square" in lines[-1]
    assert (30, 120) == (len(lines), len(lines[0]))


def test_of_a_box_it_tells_how_many_of_the_citys_drivers_are_in_it():
    assert "5 drivers, 3 of them here" in pictured(a_view(), a_console(), Watched(LAGOS, ISLAND))[0]


@pytest.mark.parametrize(("now", "told"), [(122.0, "22 s old"), (123.0, "STALE, 23 s old")])
def test_what_is_older_than_the_server_is_ever_silent_is_told_as_stale_and_faded(now: float, told: str):
    console = a_console()
    picture = Picture(Watched(LAGOS), console)
    view = a_view()
    fresh, later = picture.render(view, 101.0), picture.render(view, now)

    console.print(later)
    assert told in console.export_text()
    assert ("STALE" in told) == (fresh.renderables[1].renderable is not later.renderables[1].renderable)


def test_what_is_seen_without_a_connection_is_faded_too():
    console = a_console()
    picture = Picture(Watched(LAGOS), console)
    view = a_view()

    console.print(picture.render(view, 101.0))
    connected = console.export_text(styles=True)
    console.print(picture.render(replace(view, link="reconnecting"), 101.0))

    assert connected.split("drivers per")[0] != console.export_text(styles=True).split("drivers per")[0]


def test_before_the_first_frame_it_says_what_it_waits_for():
    [line] = pictured(a_view(frames=0, link="connecting"), a_console())

    assert (True, True) == (line.startswith("Lagos"), line.endswith("waiting for the first frame  connecting"))


def test_the_picture_tells_why_there_is_no_connection():
    away = replace(a_view(frames=0, link="connecting"), trouble="Connection refused")
    [line] = pictured(away, a_console())

    assert line.endswith("waiting for the first frame  connecting: Connection refused")


def test_the_map_is_drawn_anew_only_when_something_has_changed():
    console = a_console()
    picture = Picture(Watched(LAGOS), console)
    view = a_view()
    first, later, changed = (
        picture.render(each, now).renderables[1].renderable
        for each, now in ((view, 101.0), (view, 109.0), (replace(view, cells={"s14ks2x": 4}), 109.0))
    )

    assert first is later
    assert first is not changed


def test_another_window_is_another_picture():
    console = a_console()
    picture = Picture(Watched(LAGOS), console)
    picture.render(a_view(), 101.0)
    console.size = (60, 20)
    console.print(picture.render(a_view(), 101.0))
    lines = console.export_text().rstrip("\n").split("\n")

    assert (True, True) == (len(lines) <= 20, all(len(line) <= 60 for line in lines))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (10, 3), (30, 8), (79, 24)])
def test_a_small_window_cuts_and_breaks_nothing(width: int, height: int):
    lines = pictured(a_view(), a_console(width, height))

    assert all(len(line) <= width for line in lines)


def test_an_ascii_terminal_gets_nothing_else():
    console = a_console(encoding="ascii")
    console.print(Picture(Watched(cities().get("sao-paulo")), console).render(a_view(), 104.0))

    assert console.export_text().isascii()


def test_the_precision_follows_the_window():
    assert 6 == Picture(Watched(LAGOS), a_console(24, 10)).precision((4, 5, 6, 7, 8))
    assert 7 == Picture(Watched(LAGOS), a_console(200, 60)).precision((4, 5, 6, 7, 8))


@pytest.mark.parametrize(
    ("box", "offered", "expected"),
    [
        (LAGOS.bbox, (4, 5, 6, 7, 8), 7),
        (LAGOS.bbox, (5, 6), 6),
        (LAGOS.bbox, (8,), 8),
        (BBox(5.7, 2.9, 7.0, 4.2), (4, 5, 6, 7, 8), 7),
        (BBox(-20, -20, 20, 20), (4, 5, 6, 7, 8), 5),
    ],
)
def test_without_a_window_streets_are_told_apart_if_that_may_be_watched(
    box: BBox, offered: tuple[int, ...], expected: int
):
    assert expected == plain_precision(box, offered)


def test_a_box_that_does_not_touch_the_city_is_refused():
    assert Watched(LAGOS, ISLAND) == looked_at(LAGOS, ISLAND)
    assert LAGOS.bbox == looked_at(LAGOS, None).box
    with pytest.raises(BadInput, match=r"--bbox: expected a box that touches Lagos, got 51,0,52,1"):
        looked_at(LAGOS, BBox(51, 0, 52, 1))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--city", "atlantis"], "--city: expected one of lagos, nairobi"),
        (["--precision", "9"], "--precision: expected 4 to 8, got 9"),
        (
            ["--precision", "8"],
            "--precision: expected at most 7 for all of Lagos, got 8; name a part of it with --bbox",
        ),
        (
            ["--precision", "8", "--bbox", "5,3,7,4"],
            "--precision: expected at most 6 for the box, got 8; name a smaller one with --bbox",
        ),
        (["--bbox", "1,2,3"], "--bbox: expected four numbers"),
        (["--bbox", "51,0,52,1"], "--bbox: expected a box that touches Lagos, got 51,0,52,1"),
        (["--seconds", "0"], "--seconds: expected more than 0, got 0"),
        (["--token", "t"], "--websocket-url: expected together with --token, got nothing"),
        (
            ["--token", "t", "--websocket-url", "nonsense"],
            "websocket_url: expected a WebSocket URL as wss://host/stage",
        ),
    ],
)
def test_a_wrong_option_is_one_clear_line(options: list[str], line: str):
    refusal = CliRunner().invoke(app, ["watch", *options]).exception

    assert isinstance(refusal, BadInput)
    assert (True, 1) == (str(refusal).startswith(line), len(str(refusal).splitlines()))
