"""The command line: each command is one function in a module of its name in fleetglow/commands/."""

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from fleetglow.commands.bench import bench
from fleetglow.commands.check import check
from fleetglow.commands.cost import cost
from fleetglow.commands.dlq import dlq
from fleetglow.commands.down import down
from fleetglow.commands.forget import forget
from fleetglow.commands.logs import logs
from fleetglow.commands.play import play
from fleetglow.commands.redrive import redrive
from fleetglow.commands.run import run
from fleetglow.commands.simulate import simulate
from fleetglow.commands.status import status
from fleetglow.commands.token import token
from fleetglow.commands.up import up
from fleetglow.commands.watch import watch

COMMANDS = (
    up,
    down,
    status,
    run,
    simulate,
    play,
    watch,
    check,
    bench,
    logs,
    dlq,
    redrive,
    forget,
    cost,
    token,
)

app = typer.Typer(
    name="fleetglow",
    help="A live heatmap of a fleet: run it on this machine, feed it, watch it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"fleetglow {version_of('fleetglow')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")]


@app.callback()
def options(version: Version = False) -> None:
    pass


for command in COMMANDS:
    app.command()(command)
