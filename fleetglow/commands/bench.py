"""`fleetglow bench`: what it does a second, beside what could be done at most."""

import importlib
import sys
from typing import Annotated

import msgspec
import typer

from fleetglow.errors import BadInput

BENCHMARKS = ("ingest", "aggregate", "frames", "broadcast", "subscribe", "deliver")


def bench(
    name: Annotated[str | None, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}; all by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, and nothing else.")] = False,
) -> None:
    """Measure, beside the plain limit in the same run."""
    if name is not None and name not in BENCHMARKS:
        raise BadInput(f"NAME: expected one of {', '.join(BENCHMARKS)}, got {name}")
    for each in [name] if name else BENCHMARKS:
        sys.stderr.write(f"measuring {each} …\n")
        result = importlib.import_module(f"benchmarks.{each}").run()
        if json:
            print(msgspec.json.encode(result).decode(), flush=True)  # noqa: T201 - the answer
        else:
            ratios = ", ".join(f"{value:.2f} of the {other}" for other, value in result.ratios.items())
            print(f"{result.name}: {result.value:,.0f} {result.unit} ({ratios})")  # noqa: T201
