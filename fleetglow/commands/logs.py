"""`fleetglow logs`: what a function wrote."""

from typing import Annotated

import typer


def logs(
    function: Annotated[str, typer.Argument(help="Its short name, as ingest or broadcast.")],
    follow: Annotated[bool, typer.Option(help="Go on with what it writes, until Ctrl-C.")] = False,
    since: Annotated[str, typer.Option(help="How far back: 30s, 10m, 2h or 1d.")] = "10m",
) -> None:
    """Print what a function has logged."""
    from fleetglow.deployment import discover
    from fleetglow.function_logs import duration_ms, lines

    since_ms = duration_ms(since)
    for line in lines(discover(), function, since_ms, follow=follow):
        typer.echo(line)
