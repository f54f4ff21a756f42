"""`fleetglow run`: the whole of it, in the foreground, with a fleet to look at."""

from typing import Annotated

import typer

FULL_HOUR_S = 3600.0


def run(
    drivers: Annotated[int, typer.Option(min=1, help="How many drivers to simulate.")] = 10_000,
    interval: Annotated[float, typer.Option(min=1, help="Seconds between two pings of a driver.")] = 10,
    duration: Annotated[float, typer.Option(min=1, max=FULL_HOUR_S, help="For how many seconds.")] = FULL_HOUR_S,
) -> None:
    """Start the stack, simulate a fleet, show where to watch it; Ctrl-C ends all of it."""
    import signal

    from fleetglow import local_stack
    from fleetglow.bring_up import bring_up
    from fleetglow.commands.simulate import simulate
    from fleetglow.errors import INTERRUPTED
    from fleetglow.instance import Instance
    from fleetglow.progress import Progress

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, interrupt)
    instance, progress = Instance.from_env(), Progress()
    interrupted = False
    try:
        deployment = bring_up(instance, progress)
        typer.echo(f"\n  The live map:  {deployment.web_url}\n\n  Ctrl-C ends everything.\n")
        simulate(drivers=drivers, interval=interval, duration=duration)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        # A second Ctrl-C must not leave half of it running.
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        with progress.step("stopping"):
            local_stack.stop(instance)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
