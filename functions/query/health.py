"""How the system is: each part is asked something that it only answers when it is well."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.observability import logger
from adapters.ping_stream import PingStream
from adapters.queues import Queue
from heatmap.errors import Unavailable
from heatmap.times import rfc3339

type Measure = Callable[[], dict[str, Any]]

# From good to bad. The whole is as its worst part is.
STATUSES = ("ok", "degraded", "unavailable")

# A part that hangs is waited for no longer: a function that is ended by its time-out of 15 seconds names no part.
PATIENCE_S = 10.0


def parts(
    state: LiveState, checkpoints: Checkpoints, stream: PingStream, failures: Queue, degraded_lag_ms: int
) -> dict[str, Measure]:
    """What each part is asked."""
    return {
        "stream": lambda: stream_health(stream.lag_ms(checkpoints.of(stream.name)), degraded_lag_ms),
        "failures": lambda: failures_health(failures.depth()),
        "live_state": lambda: {"cities": len(state.cities())},
    }


def measured(parts: Mapping[str, Measure], now: int, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """What each part's measure says, or why it says nothing; all are asked at once.

    Args:
        now: UTC milliseconds.
        patience_s: a part that has not answered after so many seconds is unavailable.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, len(parts)))
    try:
        asked = {part: pool.submit(_answer, measure) for part, measure in parts.items()}
        wait(asked.values(), timeout=patience_s)
        late = {"status": "unavailable", "reason": f"no answer within {patience_s:g} s"}
        health = {part: answer.result() if answer.done() else late for part, answer in asked.items()}
    finally:
        # Not for the one that hangs: its own patience ends it.
        pool.shutdown(wait=False)
    worst = max((each["status"] for each in health.values()), key=STATUSES.index, default="ok")
    return {"status": worst, "as_of": rfc3339(now), **health}


def stream_health(lag_ms: int, most_ms: int) -> dict[str, Any]:
    """The stream's part, degraded while the oldest record that is not yet applied has waited for longer than it may."""
    if lag_ms <= most_ms:
        return {"lag_ms": lag_ms}
    reason = f"the counts are {lag_ms / 1000:.1f} s behind the pings, more than {most_ms / 1000:g} s"
    return {"status": "degraded", "reason": reason, "lag_ms": lag_ms}


def failures_health(depth: int) -> dict[str, Any]:
    """The failure queue's part, degraded while it holds anything: the counts lack the pings of what is in it."""
    if not depth:
        return {"depth": 0}
    waiting = "1 message waits" if depth == 1 else f"{depth:,} messages wait"
    return {"status": "degraded", "reason": f"{waiting} in the failure queue to be redriven", "depth": depth}


def _answer(measure: Measure) -> dict[str, Any]:
    try:
        return {"status": "ok", **measure()}
    except Unavailable as error:
        # Anybody may ask: the cause is for the log alone.
        logger.warning("unavailable", reason=str(error))
        return {"status": "unavailable", "reason": error.told}
