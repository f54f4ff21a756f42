"""`fleetglow dlq`: what was not applied, and why."""

from typing import Annotated, Any

import typer

STACK_HELP = "Of this stack on AWS, by the name it was deployed under; by default of the one here."

# Long enough to read a long queue, short enough for whoever comes after a crash.
HOLD_S = 30


def dlq(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    stack: Annotated[str | None, typer.Option(help=STACK_HELP)] = None,
) -> None:
    """Show what is in the failure queue: which records were not applied, since when, and why."""
    import json

    import msgspec

    from fleetglow.failure_queue import FailureQueue
    from fleetglow.operated import operated
    from fleetglow.wording import counted
    from heatmap.errors import PoisonRecord
    from heatmap.failures import decode

    shown: list[dict[str, Any]] = []
    with FailureQueue.of(operated(stack), HOLD_S) as queue:
        for message_id, body in queue.messages():
            try:
                failure = decode(body)
            except PoisonRecord as error:
                shown.append({"message_id": message_id, "records": 0, "reason": str(error)})
                continue
            place = msgspec.structs.asdict(failure.place)
            place["records"] = place.pop("batch_size")
            about = {"at": failure.timestamp, "reason": failure.why, "has_data": bool(failure.data)}
            shown.append({"message_id": message_id, **place, **about})
    records = sum(each["records"] for each in shown)
    if as_json:
        typer.echo(json.dumps({"records": records, "messages": shown}))
        return
    for each in shown:
        if "shard_id" in each:
            first, last = each["start_sequence_number"], each["end_sequence_number"]
            where = f"{each['shard_id']} {first}" + (f" to {last}" if last != first else "")
            typer.echo(f"{each['at']}  {counted(each['records'], 'record')}  {where}")
            typer.echo(f"    {each['reason']}")
        else:
            typer.echo(f"{each['message_id']}\n    {each['reason']}")
    typer.echo(f"{counted(len(shown), 'message')}, {counted(records, 'record')}", err=True)
