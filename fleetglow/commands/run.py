"""`fleetglow run`: the whole of it, in the foreground, with a fleet to look at."""

from typing import Annotated

import typer

FULL_HOUR_S = 3600.0


def run(
    drivers: Annotated[int, typer.Option(min=1, help="How many drivers to simulate.")] = 10_000,
    interval: Annotated[float, typer.Option(min=1, help="Seconds between two pings of a driver.")] = 10,
    duration: Annotated[float, typer.Option(min=1, max=FULL_HOUR_S, help="For how many seconds.")] = FULL_HOUR_S,
) -> None:
    """Start the stack, simulate a fleet, show where to watch it; Ctrl-C ends all that it has started."""
    from fleetglow.bring_up import answered_for, bring_up
    from fleetglow.commands.simulate import simulate
    from fleetglow.instance import Instance
    from fleetglow.progress import Progress

    instance, progress = Instance.from_env(), Progress()
    with answered_for(instance, progress, to_the_end=True) as start:
        deployment = bring_up(instance, progress, start)
        typer.echo(f"\n  The live map:  {deployment.web_url}\n\n  Ctrl-C ends all that was started here.\n")
        simulate(drivers=drivers, interval=interval, duration=duration)
