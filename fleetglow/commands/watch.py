"""`fleetglow watch`: the live heatmap in the terminal."""

from typing import Annotated

import typer

# How long `--once` waits for the first frame.
FIRST_FRAME_S = 30.0


def watch(  # noqa: PLR0913, PLR0917 - one parameter an option
    city: Annotated[str, typer.Option(help="What to watch.")] = "lagos",
    precision: Annotated[int, typer.Option(min=1, max=9, help="Characters of a cell's geohash: 5, 6 or 7.")] = 7,
    bbox: Annotated[str | None, typer.Option(help="Only this box: south,west,north,east in degrees.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show one frame and end.")] = False,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End after this many seconds.")] = None,
    websocket_url: Annotated[str | None, typer.Option(help="Watch this stack instead of the one here.")] = None,
    token: Annotated[str | None, typer.Option(help="The token for --websocket-url.")] = None,
) -> None:
    """Watch a city's drivers as a map in the terminal; as a line for each frame where stdout is not one.

    Ctrl-C ends it.
    """
    import asyncio

    from rich.console import Console

    from fleetglow.client import Viewer
    from fleetglow.clock import SystemClock
    from fleetglow.places import box, named_city
    from fleetglow.traffic import paired_options
    from fleetglow.watching import PlainLines, Watched, follow, live_map, picture

    place = named_city(city)
    only = box(bbox) if bbox else None
    watched = Watched(place, precision, only or place.bbox)
    console = Console()
    clock = SystemClock()
    if elsewhere := paired_options("--websocket-url", websocket_url, "--token", token):
        url, given = elsewhere
        viewer = Viewer(url, given, place.name, precision, only)
    else:
        from fleetglow.deployment import VIEWER_SCOPE, discover

        here = discover()
        viewer = Viewer(
            here.websocket_url, lambda: here.token(VIEWER_SCOPE, "watch", 3600), place.name, precision, only
        )
    limit_s = seconds or (FIRST_FRAME_S if once else None)

    async def watch_it() -> None:
        async with viewer:
            views = viewer.states()
            if not console.is_terminal:
                lines = PlainLines(watched, typer.echo, lambda line: typer.echo(line, err=True))
                await follow(views, lines, limit_s, once=once)
            elif once:
                await follow(
                    views,
                    lambda view: console.print(picture(view, watched, console, clock.monotonic())),
                    limit_s,
                    once=True,
                )
            else:
                with live_map(console, watched, clock) as show:
                    await follow(views, show, limit_s, once=False)

    asyncio.run(watch_it())
