"""`fleetglow redrive`: what was given up is applied after all."""

from typing import Annotated

import typer

from fleetglow.commands.dlq import STACK_HELP


def redrive(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Also delete what can never be applied: still unreadable, or expired.")
    ] = False,
    stack: Annotated[str | None, typer.Option(help=STACK_HELP)] = None,
) -> None:
    """Apply the records in the failure queue; exit status 1 if some are left.

    Each message is deleted after all of its records have been applied, so it can be stopped and run again.
    """
    import msgspec

    from fleetglow.errors import FleetglowError
    from fleetglow.failure_queue import FailureQueue
    from fleetglow.operated import operated
    from fleetglow.redrive import HOLD_S, Redriver

    target = operated(stack)
    with FailureQueue.of(target, HOLD_S) as queue:
        redriver = Redriver.of(target, queue, is_dry=dry_run, is_discarding=discard)
        try:
            for each in redriver.run():
                if not as_json:
                    typer.echo(each.line)
        finally:
            if as_json:
                typer.echo(msgspec.json.encode(redriver.report.figures()).decode())
            else:
                for line in redriver.report.unreadable:
                    typer.echo(f"message {line}", err=True)
                typer.echo(redriver.report.line, err=True)
    left = redriver.report.left
    if left and not dry_run:
        raise FleetglowError(f"{left:,} {'message is' if left == 1 else 'messages are'} left in the failure queue")
