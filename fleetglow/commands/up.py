"""`fleetglow up`: start the local cloud and deploy the stack to it."""

from typing import Annotated

import typer

Endpoint = Annotated[str | None, typer.Option(help="Deploy to the LocalStack that runs there; start none.")]
Port = Annotated[int | None, typer.Option(help="Port of the local cloud (default: FLEETGLOW_PORT, or 4566).")]
Parameter = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="A parameter of the template; each that is not given goes back to its local default.",
    ),
]


def up(endpoint_url: Endpoint = None, port: Port = None, parameter: Parameter = None) -> None:
    """Start the local cloud, deploy the stack to it and return; run again, it deploys what has changed.

    Ctrl-C ends what it has started.
    """
    from fleetglow.bring_up import answered_for, bring_up
    from fleetglow.instance import Instance
    from fleetglow.progress import Progress

    instance, progress = Instance.from_env(port), Progress()
    with answered_for(instance, progress) as start:
        deployment = bring_up(instance, progress, start, endpoint_url=endpoint_url, parameters=parameter)
    typer.echo(f"map        {deployment.web_url}")
    typer.echo(f"REST       {deployment.rest_url}")
    typer.echo(f"WebSocket  {deployment.websocket_url}")
    typer.echo(f"Redis      {deployment.redis_url}")
