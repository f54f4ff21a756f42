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
    ttl: Annotated[int, typer.Option(help="How long it is valid, in seconds; at most 366 days.")] = 3600,
) -> None:
    """Print a token that the running stack accepts."""
    from adapters.jws import MAX_TOKEN_CHARACTERS
    from fleetglow import token_options
    from fleetglow.deployment import discover
    from fleetglow.errors import BadInput

    token_options.require_scope(scope)
    token_options.require_sub(sub)
    token_options.require_ttl(ttl)
    token_options.require_drivers(drivers.split())
    token_options.require_cities(cities.split())
    made = discover().token(scope, sub, ttl, drivers=drivers.split(), cities=cities.split())
    if len(made) > MAX_TOKEN_CHARACTERS:
        raise BadInput(
            f"--drivers and --cities: expected names for a token of at most {MAX_TOKEN_CHARACTERS:,} characters, "
            f"got one of {len(made):,}; prefixes make it shorter"
        )
    typer.echo(made)
