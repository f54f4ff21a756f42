"""How the system is: each part is asked something that it only answers when it is well."""

from collections.abc import Callable, Mapping
from typing import Any

from heatmap.errors import Unavailable
from heatmap.times import rfc3339

type Measure = Callable[[], dict[str, Any]]

# From good to bad. The whole is as its worst part is.
STATUSES = ("ok", "degraded", "unavailable")


def measured(parts: Mapping[str, Measure], now: int) -> dict[str, Any]:
    """What each part's measure says, or why it says nothing; `now` is UTC milliseconds."""
    health = {part: _answer(measure) for part, measure in parts.items()}
    worst = max((each["status"] for each in health.values()), key=STATUSES.index, default="ok")
    return {"status": worst, "as_of": rfc3339(now), **health}


def stream(lag_ms: int, most_ms: int) -> dict[str, Any]:
    """The stream's part, degraded while the oldest record that is not yet applied has waited for longer than it may."""
    if lag_ms <= most_ms:
        return {"lag_ms": lag_ms}
    reason = f"the counts are {lag_ms / 1000:.1f} s behind the pings, more than {most_ms / 1000:g} s"
    return {"status": "degraded", "reason": reason, "lag_ms": lag_ms}


def _answer(measure: Measure) -> dict[str, Any]:
    try:
        return {"status": "ok", **measure()}
    except Unavailable as error:
        return {"status": "unavailable", "reason": str(error)}
