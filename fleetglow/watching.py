"""Shows what a viewer sees: a map that redraws itself on a terminal, a line for each frame elsewhere."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from fleetglow.client import HeatmapView
from fleetglow.clock import Clock
from fleetglow.errors import NotRunning
from fleetglow.terminal_map import draw, grid, legend
from heatmap.cells import BBox
from heatmap.cities import City

# Header, legend and a line to breathe.
LINES_AROUND_MAP = 3
REDRAWS_PER_S = 2  # also between frames, so that a frame is seen to age
LINK_STYLES = {"connected": "green", "connecting": "yellow", "reconnecting": "bold red"}

type Show = Callable[[HeatmapView], None]


@dataclass(frozen=True)
class Watched:
    """What is looked at."""

    city: City
    precision: int
    box: BBox


async def follow(views: AsyncIterator[HeatmapView], show: Show, seconds: float | None, *, once: bool) -> None:
    """Show each view until the time is up, Ctrl-C, or, if only one is wanted, the first that holds a frame.

    Raises:
        NotRunning: the time was up before any frame came.
    """
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        if task:
            task.cancel()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    seen = False
    try:
        async with asyncio.timeout(seconds):
            async for view in views:
                has_frame = view.epoch is not None
                seen = seen or has_frame
                if has_frame or not once:
                    show(view)
                if once and has_frame:
                    return
    except TimeoutError:
        if not seen:
            raise NotRunning(f"no frame came within {seconds:g} s") from None
    except asyncio.CancelledError:
        if not interrupted.is_set():
            raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def live_map(console: Console, watched: Watched, clock: Clock) -> Iterator[Show]:
    """A map over the whole terminal, redrawn for each view and as it ages."""
    latest: list[HeatmapView] = [HeatmapView(link="connecting", cells={})]

    def render() -> RenderableType:
        return picture(latest[0], watched, console, clock.monotonic())

    with Live(console=console, screen=True, get_renderable=render, refresh_per_second=REDRAWS_PER_S) as live:

        def show(view: HeatmapView) -> None:
            latest[0] = view
            live.refresh()

        yield show


def picture(view: HeatmapView, watched: Watched, console: Console, now: float) -> RenderableType:
    """Header, map and legend, as large as the console."""
    shown = grid(view.cells, watched.box, console.width, console.height - LINES_AROUND_MAP)
    return Group(header(view, watched, now), draw(shown), Text(), legend(shown))


def header(view: HeatmapView, watched: Watched, now: float) -> Text:
    """City, figures, how old the frame is, and the state of the connection."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(watched.city.title, "bold")
    if view.received_at is not None:
        age_s = max(0.0, now - view.received_at)
        text.append(f"  {view.drivers:,} drivers in {len(view.cells):,} cells of precision {watched.precision}")
        text.append(f"  rev {view.rev}  {age_s:.0f} s old, lag {view.lag_ms} ms", "dim")
    text.append(f"  {view.link}", LINK_STYLES[view.link])
    return text


class PlainLines:
    """A line on stdout for each frame, a line on stderr for each change of the connection."""

    def __init__(self, watched: Watched, out: Callable[[str], None], err: Callable[[str], None]) -> None:
        self._city = watched.city.name
        self._out = out
        self._err = err
        self._link = ""
        self._frames = 0

    def __call__(self, view: HeatmapView) -> None:
        if view.link != self._link:
            self._link = view.link
            self._err(f"{self._city}: {view.link}")
        if view.frames > self._frames and view.epoch is not None:
            self._frames = view.frames
            made = datetime.fromisoformat(view.as_of)
            self._out(
                f"{made:%H:%M:%S} {self._city} rev {view.rev} drivers {view.drivers} "
                f"cells {len(view.cells)} lag {view.lag_ms} ms"
            )
