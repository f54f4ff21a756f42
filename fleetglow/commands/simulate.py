"""`fleetglow simulate`: a fleet that was made up, sending real pings."""

from typing import Annotated

import typer


def simulate(  # noqa: PLR0913, PLR0917 - one parameter an option
    drivers: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many drivers.")] = 1000,
    interval: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two pings of a driver.")] = 5,
    duration: Annotated[float, typer.Option(min=0.1, help="For how many seconds.")] = 60,
    city: Annotated[str, typer.Option(help="Where they drive.")] = "lagos",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same journeys.")] = 1,
    batch: Annotated[int, typer.Option(min=1, max=500, help="At most this many pings in a request.")] = 500,
    rest_url: Annotated[str | None, typer.Option(help="Send to this REST API instead of the stack here.")] = None,
    token: Annotated[str | None, typer.Option(help="The token for --rest-url.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, as the last line.")] = False,
) -> None:
    """Let simulated drivers move through a city and send their positions.

    They keep to districts and streets, stop at lights and for passengers, and send evenly spread over the interval.
    """
    from fleetglow.clock import SystemClock
    from fleetglow.movement import Town
    from fleetglow.options import require_finite
    from fleetglow.outlet import Run
    from fleetglow.places import named_city
    from fleetglow.simulator import Fleet, drive
    from fleetglow.traffic import carry, destination

    require_finite("--duration", duration)
    place = named_city(city)
    whom = destination(rest_url, token, duration)
    typer.echo(f"{drivers:,} drivers in {place.title}, a ping every {interval:g} s, for {duration:g} s", err=True)
    fleet = Fleet(Town(place), drivers, interval, seed=seed, batch=batch)

    async def traffic(run: Run) -> None:
        await drive(fleet, duration, run, SystemClock())

    carry(whom, duration, traffic, as_json=as_json)
