"""`fleetglow token`: a token for a client of the running stack."""

from typing import Annotated

import typer


def token(
    scope: Annotated[str, typer.Option(help="What it may do: space-separated scopes.")] = "pings:write heatmap:read",
    sub: Annotated[str, typer.Option(help="Whom it names.")] = "developer",
    ttl: Annotated[int, typer.Option(min=1, help="How long it is valid, in seconds.")] = 3600,
) -> None:
    """Print a token that the running stack accepts."""
    from fleetglow.deployment import discover

    typer.echo(discover().token(scope, sub, ttl))
