"""`fleetglow token`: a token for a client of the running stack."""

from typing import Annotated

import typer

NAMES = "ids, or prefixes ending in *, with spaces between them"


def token(
    scope: Annotated[str, typer.Option(help="What it may do: scopes with spaces between them.")] = (
        "pings:write heatmap:read drivers:read"
    ),
    sub: Annotated[str, typer.Option(help="Whom it names; a driver's own token names the driver.")] = "developer",
    drivers: Annotated[str, typer.Option(help=f"For whom it may ping beside --sub: {NAMES}; '' for nobody.")] = "*",
    cities: Annotated[str, typer.Option(help="Where it is good: cities in the same way; '' for nowhere.")] = "*",
    ttl: Annotated[int, typer.Option(min=1, help="How long it is valid, in seconds.")] = 3600,
) -> None:
    """Print a token that the running stack accepts."""
    from fleetglow.deployment import discover
    from fleetglow.errors import BadInput
    from heatmap.access import SCOPES

    if unknown := set(scope.split()) - set(SCOPES):
        raise BadInput(f"--scope: expected some of {', '.join(SCOPES)}, got {', '.join(sorted(unknown))}")
    typer.echo(discover().token(scope, sub, ttl, drivers=drivers.split(), cities=cities.split()))
