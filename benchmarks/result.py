"""What every benchmark answers with."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec


class Result(msgspec.Struct, frozen=True):
    """A benchmark's outcome.

    Attributes:
        value: ours, in `unit`.
        ratios: ours over each other's (`limit`, a peer's name), measured in the same run; more is better, so of sizes
            and durations it is theirs over ours.
        detail: what was measured and how, and the figures behind.
    """

    name: str
    value: float
    unit: str
    ratios: dict[str, float]
    detail: dict[str, Any]


class Contestant(msgspec.Struct, frozen=True):
    """Something to be measured.

    Attributes:
        work: does it once, and says how many things it did.
        prepare: what has to be done before, unmeasured.
    """

    work: Callable[[], int]
    prepare: Callable[[], None] = lambda: None


def paired(
    contestants: dict[str, Contestant], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """The contestants' rates in things per second.

    They run in turn, so that a machine that slows down slows all of them.

    Args:
        clock: what is a second: `time.process_time` for one of CPU time.
    """
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    # The first round is not counted: caches fill, modules load.
    for counted in [False] + [True] * rounds:
        for name, contestant in contestants.items():
            contestant.prepare()
            started = clock()
            done = contestant.work()
            if counted:
                rates[name].append(done / (clock() - started))
    return rates


def median(rates: list[float]) -> float:
    return round(statistics.median(rates), 1)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios round by round."""
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3)
