"""What a run says: how it goes, a table of its processes, and at the end one line of JSON."""

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from soak.meter import Usage

_STARTED = time.monotonic()
_console = Console(file=sys.__stderr__, width=120)


def tell(text: str) -> None:
    """Say how it goes, with the seconds since the start."""
    _console.print(f"[{time.monotonic() - _STARTED:5.0f} s] {text}", markup=False, highlight=False)


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int | float) else str(cell) for cell in row))
    _console.print(table)


def show_processes(kinds: Sequence[Mapping[str, Any]], machine_cores: float) -> None:
    """Print what processes took."""
    show(
        f"Processes (the machine was busy with {machine_cores:.2f} cores in all)",
        [name.replace("_", " ") for name in kinds[0]],
        [list(each.values()) for each in kinds],
    )


def kinds(usages: Iterable[Usage], middle: float) -> list[dict[str, Any]]:
    """What the processes of each kind took together, the busiest kind first.

    The growth is that of the one which grew most after the middle.
    """
    by_name: dict[str, list[Usage]] = {}
    for usage in usages:
        by_name.setdefault(usage.name, []).append(usage)
    found = [
        {
            "process": name,
            "number": len(some),
            "cores": round(sum(each.cores for each in some), 3),
            "start_mb": round(sum(each.rss_mb[0] for each in some), 1),
            "middle_mb": round(sum(each.middle_mb for each in some), 1),
            "end_mb": round(sum(each.rss_mb[-1] for each in some), 1),
            "growth_mb": round(max(each.growth_mb(middle) for each in some), 1),
        }
        for name, some in by_name.items()
    ]
    return sorted(found, key=lambda kind: kind["cores"], reverse=True)


def show_different(viewers: Iterable[Mapping[str, Any]]) -> None:
    """Print what viewers have who do not have what the server has, and how they came to it."""
    for each in viewers:
        tell(
            f"{each['subscription']} ({each['encoding']}, {each['link']}) is at {each['at']}, expected"
            f" {each['expected_at']}; {each['differing']:,} cells differ: {each['cells']} (expected, shown)"
        )
        tell(f"  so far: {each['counters']}")
        for message in each["last_messages"]:
            tell(f"  {message['ago_s']:.1f} s ago, naming {message['named']}: {message['begins']}")


def conclude(outcome: Mapping[str, Any], findings: Sequence[str]) -> None:
    """Print the outcome as one line of JSON, and fail if anything was found."""
    print(json.dumps({**outcome, "findings": findings}), file=sys.__stdout__, flush=True)
    assert not findings, "\n" + "\n".join(findings)
