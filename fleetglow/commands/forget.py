"""`fleetglow forget`: a driver leaves the live state at once."""

from typing import Annotated

import typer


def forget(
    driver: Annotated[str, typer.Argument(help="The driver's id.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    rest_url: Annotated[str | None, typer.Option(help="Of this REST API instead of the stack here.")] = None,
    token: Annotated[str | None, typer.Option(help="The token for --rest-url; its scope is admin.")] = None,
) -> None:
    """Take a driver out of the live state, and say what is still kept for how long."""
    import msgspec

    from fleetglow.forgetting import forgotten, lines, require_id
    from fleetglow.options import paired_options

    require_id(driver)
    if elsewhere := paired_options("--rest-url", rest_url, "--token", token):
        answer = forgotten(driver, *elsewhere)
    else:
        from fleetglow.deployment import discover
        from heatmap.access import ADMIN

        here = discover()
        answer = forgotten(driver, here.rest_url, here.token(ADMIN, "forget", 60))
    if json:
        typer.echo(msgspec.json.encode(answer).decode())
    else:
        for line in lines(answer):
            typer.echo(line)
