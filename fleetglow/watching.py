"""Shows what a viewer sees: a map that redraws itself on a terminal, a line for each frame elsewhere."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from fleetglow import ground
from fleetglow.clock import Clock
from fleetglow.errors import BadInput, NotRunning
from fleetglow.heatmap_view import HeatmapView
from fleetglow.terminal_ink import ASCII, ink_for, spelled
from fleetglow.terminal_map import Window, draw, fit, fitting_precision, framed, grid, legend
from fleetglow.wording import counted
from heatmap.cells import BBox, tiles_over
from heatmap.cities import City
from heatmap.errors import TooLarge

# Header, frame and legend.
LINES_AROUND_MAP = 4
COLUMNS_AROUND_MAP = 2
REDRAWS_PER_S = 2  # also between frames, so that a frame is seen to age
LOOKS_FOR_SILENCE_EVERY_S = 1.0
# Without a window to fit: streets can be told apart.
PLAIN_PRECISION = 7
LINK_STYLES = {"connected": "green", "connecting": "yellow", "reconnecting": "bold red"}

type Show = Callable[[HeatmapView], None]


@dataclass(frozen=True)
class Watched:
    """A city, or a box in it."""

    city: City
    bbox: BBox | None = None

    @property
    def box(self) -> BBox:
        """What is drawn."""
        return self.bbox or self.city.bbox


def looked_at(city: City, bbox: BBox | None) -> Watched:
    """What the options ask for. Raises BadInput if the city is not in the box at all."""
    within = city.bbox
    if bbox and not (
        bbox.south < within.north and within.south < bbox.north and bbox.west < within.east and within.west < bbox.east
    ):
        got = f"{bbox.south:g},{bbox.west:g},{bbox.north:g},{bbox.east:g}"
        raise BadInput(f"--bbox: expected a box that touches {city.title}, got {got}")
    return Watched(city, bbox)


async def follow(views: AsyncIterator[HeatmapView], show: Show, seconds: float | None, *, once: bool) -> None:
    """Show each view until the time is up, or, if only one is wanted, the first that holds a frame.

    Raises:
        NotRunning: the time was up before any frame came.
    """
    seen = False
    stand = ""
    try:
        async with asyncio.timeout(seconds):
            async for view in views:
                stand = stand_of(view)
                has_frame = view.epoch is not None
                seen = seen or has_frame
                if has_frame or not once:
                    show(view)
                if once and has_frame:
                    return
    except TimeoutError:
        if not seen:
            raise NotRunning(f"no frame came within {seconds:g} s; {stand}") from None


def stand_of(view: HeatmapView) -> str:
    """How it stands with the connection."""
    return f"{view.link}: {view.trouble}" if view.trouble else view.link


class Picture:
    """The map as large as a console, drawn anew only where something has changed."""

    def __init__(self, watched: Watched, console: Console) -> None:
        self._watched = watched
        self._console = console
        self._cells: object = None
        self._drawn: tuple[object, ...] = ()
        self._map: list[Text] = []
        self._drivers = 0

    @property
    def window(self) -> Window:
        """What fits the console at the moment."""
        columns, lines = self._console.size
        rows = ink_for(self._console).rows
        return fit(self._watched.box, columns - COLUMNS_AROUND_MAP, lines - LINES_AROUND_MAP, rows)

    def precision(self, offered: Iterable[int]) -> int:
        """The precision that suits the window."""
        return fitting_precision(self.window, offered)

    def render(self, view: HeatmapView, now: float) -> RenderableType:
        """Header, map and legend; `now` is on the clock of the view's `received_at`."""
        if view.epoch is None:
            return header(view, self._watched, 0, now, self._console)
        window = self.window
        is_old = view.is_stale(now) or view.link != "connected"
        drawn = (view.precision, view.min_cell_drivers, window, is_old, self._console.width)
        # The cells of a view never change, so they are the same as long as they are the same object.
        if view.cells is not self._cells or drawn != self._drawn:
            self._draw(view, window, is_old=is_old)
            self._cells, self._drawn = view.cells, drawn
        return Group(header(view, self._watched, self._drivers, now, self._console), *map(Align.center, self._map))

    def _draw(self, view: HeatmapView, window: Window, *, is_old: bool) -> None:
        ink = ink_for(self._console)
        is_ascii = ink is ASCII
        shown = grid(view.cells, window, view.min_cell_drivers)
        city = self._watched.city.name
        water = ground.water(city, window.box, window.columns, window.rows)
        places = [replace(place, name=spelled(place.name, is_ascii=is_ascii)) for place in ground.places(city)]
        lines = draw(shown, ink.faded() if is_old else ink, water, places)
        self._map = framed(lines, window, is_ascii=is_ascii, least=view.min_cell_drivers)
        self._map.append(legend(shown, ink, view.precision, self._console.width))
        self._drivers = shown.drivers


@contextmanager
def live_map(console: Console, picture: Picture, clock: Clock, resized: Callable[[], None]) -> Iterator[Show]:
    """A map over the whole terminal, redrawn for each view, as it ages, and when the window gets another size.

    Args:
        resized: called when it did.
    """
    latest: list[HeatmapView] = [HeatmapView("connecting", precision=0)]

    def render() -> RenderableType:
        return picture.render(latest[0], clock.monotonic())

    with Live(console=console, screen=True, get_renderable=render, refresh_per_second=REDRAWS_PER_S) as live:

        def show(view: HeatmapView) -> None:
            latest[0] = view
            live.refresh()

        def turn() -> None:
            resized()
            live.refresh()

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, turn)
        try:
            yield show
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)


def header(view: HeatmapView, watched: Watched, in_view: int, now: float, console: Console) -> Text:
    """City and figures on the left; how old they are and how it stands with the connection on the right."""
    is_ascii = ink_for(console) is ASCII
    left = Text(spelled(watched.city.title, is_ascii=is_ascii), "bold")
    right = Text()
    if view.epoch is None:
        right.append("waiting for the first frame  ", "dim")
    else:
        left.append(f"  {counted(view.drivers, 'driver')}", "not bold")
        if watched.bbox:
            left.append(f", {in_view:,} of them here", "not bold")
        left.append(f"  {counted(len(view.cells), 'cell')} at precision {view.precision}", "not bold dim")
        right.append("".join(f"{each}  " for each in (f"rev {view.rev}", *_lag(view))), "dim")
        if view.received_at is not None:
            age = f"{max(0.0, now - view.received_at):.0f} s old"
            right.append(*(f" STALE, {age} ", "bold reverse") if view.is_stale(now) else (age, "dim"))
            right.append("  ")
    right.append(stand_of(view), LINK_STYLES[view.link])
    gap = max(2, console.width - left.cell_len - right.cell_len)
    line = Text.assemble(left, " " * gap, right, no_wrap=True)
    line.truncate(console.width)
    return line


class PlainLines:
    """A line on stdout for each frame; on stderr one for what happens to the connection and to the city's state."""

    def __init__(self, watched: Watched, out: Callable[[str], None], err: Callable[[str], None], clock: Clock) -> None:
        self._city = watched.city.name
        self._out = out
        self._err = err
        self._clock = clock
        self._stand = ""
        self._epoch: str | None = None
        self._frames = 0
        self._view: HeatmapView | None = None
        self._silent_since: float | None = None

    def __call__(self, view: HeatmapView) -> None:
        self._view = view
        if (stand := stand_of(view)) != self._stand:
            self._stand = stand
            self._say(stand)
        if view.epoch is not None and view.epoch != self._epoch:
            if self._epoch is not None:
                self._say(f"the server counts anew: epoch {view.epoch}, after {self._epoch}")
            self._epoch = view.epoch
        if view.frames > self._frames and view.as_of is not None:
            self._frames = view.frames
            least = f" of {view.min_cell_drivers} or more" if view.min_cell_drivers > 1 else ""
            counts = f"rev {view.rev} drivers {view.drivers} cells {len(view.cells)}{least}"
            self._out(" ".join([f"{view.as_of:%H:%M:%S}", self._city, counts, *_lag(view)]))

    async def heed_silence(self) -> None:
        """Say of each silence that is longer than the server's ever are since when it has lasted; until cancelled."""
        while True:
            await self._clock.sleep(LOOKS_FOR_SILENCE_EVERY_S)
            now = self._clock.monotonic()
            if self._view is None or not self._view.is_stale(now) or self._view.received_at == self._silent_since:
                continue
            self._silent_since = self._view.received_at
            silent_s = now - (self._silent_since or 0)
            since = _moment(self._clock.wall_ms() - silent_s * 1000)
            self._say(f"nothing has come since {since}, for {silent_s:.0f} s")

    def _say(self, what: str) -> None:
        self._err(f"{_moment(self._clock.wall_ms())} {self._city}: {what}")


async def follow_in_lines(
    views: AsyncIterator[HeatmapView], lines: PlainLines, seconds: float | None, *, once: bool
) -> None:
    """`follow`, and heed silences meanwhile; raises what it does."""
    heeding = asyncio.create_task(lines.heed_silence())
    try:
        await follow(views, lines, seconds, once=once)
    finally:
        heeding.cancel()


def _moment(wall_ms: float) -> str:
    """A moment in UTC (RFC 3339), to the second."""
    return f"{datetime.fromtimestamp(wall_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _lag(view: HeatmapView) -> list[str]:
    """How old it is, of which a token that is not shown exact counts is told nothing."""
    return [f"lag {view.lag_ms} ms"] if view.min_cell_drivers == 1 else []


def plain_precision(box: BBox, offered: Iterable[int]) -> int:
    """The precision where there is no window to fit: the finest up to `PLAIN_PRECISION` that can be watched."""
    return max(
        (precision for precision in offered if precision <= PLAIN_PRECISION and _fits(box, precision)),
        default=min(offered),
    )


def require_fit(watched: Watched, precision: int) -> None:
    """Raises BadInput, with what can be watched instead, if it is too much at a precision."""
    if _fits(watched.box, precision):
        return
    fitting = next((each for each in range(precision - 1, 0, -1) if _fits(watched.box, each)), 1)
    what, part = ("the box", "a smaller one") if watched.bbox else (f"all of {watched.city.title}", "a part of it")
    raise BadInput(
        f"--precision: expected at most {fitting} for {what}, got {precision}; "
        f"name {part} with --bbox south,west,north,east"
    )


def _fits(box: BBox, precision: int) -> bool:
    try:
        tiles_over(box, precision)
    except TooLarge:
        return False
    return True
