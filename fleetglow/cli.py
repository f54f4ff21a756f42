"""The command line: each command is one function in a module of its name in fleetglow/commands/."""

import sys

import typer

from fleetglow.commands.bench import bench
from fleetglow.commands.check import check
from fleetglow.commands.down import down
from fleetglow.commands.logs import logs
from fleetglow.commands.play import play
from fleetglow.commands.run import run
from fleetglow.commands.simulate import simulate
from fleetglow.commands.status import status
from fleetglow.commands.token import token
from fleetglow.commands.up import up
from fleetglow.commands.watch import watch
from fleetglow.errors import FleetglowError

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
    token,
)

app = typer.Typer(
    name="fleetglow",
    help="A live heatmap of a fleet: run it on this machine, feed it, watch it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run a command; an expected failure is one line on stderr and exit status 1."""
    try:
        app()
    except FleetglowError as error:
        sys.stderr.write(f"fleetglow: {error}\n")
        sys.exit(1)
