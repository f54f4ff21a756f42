"""`fleetglow watch`: the live heatmap in the terminal."""

from typing import Annotated

import typer

# How long `--once` waits for the first frame.
FIRST_FRAME_S = 30.0
COARSEST, FINEST = 4, 8


def watch(  # noqa: PLR0913, PLR0917 - one parameter an option
    city: Annotated[str, typer.Option(help="What to watch.")] = "lagos",
    precision: Annotated[
        int | None,
        typer.Option(help="Characters of a cell's geohash, 4 to 8 (38 m).", show_default="what fits the window"),
    ] = None,
    bbox: Annotated[
        str | None,
        typer.Option(
            metavar="S,W,N,E",
            help="Only this box: south,west,north,east in degrees, as --bbox 6.43,3.38,6.47,3.43.",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show one frame and end.")] = False,
    seconds: Annotated[float | None, typer.Option(help="End after this many seconds.")] = None,
    websocket_url: Annotated[str | None, typer.Option(help="Watch this stack instead of the one here.")] = None,
    token: Annotated[str | None, typer.Option(help="The token for --websocket-url.")] = None,
) -> None:
    """Watch a city's drivers as a map in the terminal; as a line for each frame where stdout is not one.

    It says what is wrong with the connection and tries again, until Ctrl-C or --seconds end it; a token that is refused
    ends it at once.
    """
    import asyncio

    from rich.console import Console

    from fleetglow.client import HeatmapClient
    from fleetglow.clock import SystemClock
    from fleetglow.errors import BadInput, NotRunning
    from fleetglow.lookout import Lookout
    from fleetglow.options import paired_options
    from fleetglow.places import box, named_city
    from fleetglow.watching import (
        Picture,
        PlainLines,
        follow,
        follow_in_lines,
        live_map,
        looked_at,
        plain_precision,
        require_fit,
    )

    if precision is not None and not COARSEST <= precision <= FINEST:
        raise BadInput(f"--precision: expected {COARSEST} to {FINEST}, got {precision}")
    if seconds is not None and not seconds > 0:
        raise BadInput(f"--seconds: expected more than 0, got {seconds:g}")
    watched = looked_at(named_city(city), box(bbox) if bbox else None)
    if precision is not None:
        require_fit(watched, precision)
    if elsewhere := paired_options("--websocket-url", websocket_url, "--token", token):
        client = HeatmapClient(*elsewhere)
    else:
        from fleetglow.deployment import VIEWER_SCOPE, discover

        here = discover()

        async def where_it_is() -> str:
            # A stack that was ended and started again has other URLs, and another secret.
            nonlocal here
            try:
                here = await asyncio.to_thread(discover, briefly=True)
            except NotRunning as error:
                raise ConnectionError(str(error)) from error
            return here.websocket_url

        client = HeatmapClient(where_it_is, lambda: here.token(VIEWER_SCOPE, "watch", 3600))

    console = Console()
    clock = SystemClock()
    picture = Picture(watched, console)
    is_drawn = console.is_terminal and not console.is_dumb_terminal
    limit_s = seconds or (FIRST_FRAME_S if once else None)

    def wanted(offered: tuple[int, ...]) -> int:
        if precision is not None:
            return precision
        return picture.precision(offered) if is_drawn else plain_precision(watched.box, offered)

    async def watch_it() -> None:
        async with client:
            lookout = Lookout(client, watched.city.name, watched.bbox, wanted)
            if not is_drawn:
                lines = PlainLines(watched, typer.echo, lambda line: typer.echo(line, err=True), clock)
                await follow_in_lines(lookout.views(), lines, limit_s, once=once)
            elif once:
                await follow(
                    lookout.views(),
                    lambda view: console.print(picture.render(view, clock.monotonic())),
                    limit_s,
                    once=True,
                )
            else:
                with live_map(console, picture, clock, lookout.look_again) as show:
                    await follow(lookout.views(), show, limit_s, once=False)

    asyncio.run(watch_it())
