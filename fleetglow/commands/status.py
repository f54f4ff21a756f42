"""`fleetglow status`: where the stack is and how each of its parts is."""

from typing import Annotated

import typer


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the stack's URLs and the health of its parts; exit status 1 unless all are well."""
    import json

    from fleetglow import health
    from fleetglow.deployment import discover
    from fleetglow.errors import NotRunning

    try:
        report = health.report(discover())
    except NotRunning as error:
        report = health.absent(str(error))
    if as_json:
        typer.echo(json.dumps(report))
    else:
        for name in ("web_url", "rest_url", "websocket_url", "redis_url"):
            typer.echo(f"{name:<14} {report[name] or '-'}")
        for name, state in report["parts"].items():
            typer.echo(f"{name:<14} {state}")
    if any(state != health.OK for state in report["parts"].values()):
        raise typer.Exit(1)
