"""`fleetglow redrive`: what was given up is applied after all."""

from typing import TYPE_CHECKING, Annotated

import typer

from fleetglow.commands.dlq import STACK_HELP

if TYPE_CHECKING:
    from fleetglow.redrive import Report


def redrive(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Also delete what can never be applied: still unreadable, or expired.")
    ] = False,
    stack: Annotated[str | None, typer.Option(help=STACK_HELP)] = None,
) -> None:
    """Apply the records in the failure queue; exit status 1 if some are left.

    Each message is deleted after all of its records have been applied, so it can be stopped and run again; stopped, it
    says what it has done so far.
    """
    from fleetglow.errors import FleetglowError
    from fleetglow.failure_queue import ADVICE, FailureQueue
    from fleetglow.interrupts import ended_as_by_ctrl_c, uninterrupted
    from fleetglow.operated import operated
    from fleetglow.redrive import HOLD_S, Redriver

    target = operated(stack)
    with ended_as_by_ctrl_c(), FailureQueue.of(target, HOLD_S) as queue:
        redriver = Redriver.of(target, queue, is_dry=dry_run, is_discarding=discard)
        try:
            for each in redriver.run():
                if not as_json:
                    typer.echo(each.line)
        finally:
            # Who stops it with more than one signal is told, too.
            with uninterrupted():
                _tell(redriver.report, as_json=as_json)
    left = redriver.report.left
    if left and not dry_run:
        are_left = f"{left:,} {'message is' if left == 1 else 'messages are'} left in the failure queue"
        raise FleetglowError(f"{are_left}: {ADVICE}")


def _tell(report: "Report", *, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(report.figures()).decode())
        return
    for line in report.unreadable:
        typer.echo(f"message {line}", err=True)
    typer.echo(report.line, err=True)
