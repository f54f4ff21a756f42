"""How the system is: each part is asked something that it only answers when it is well."""

from collections.abc import Callable, Mapping
from typing import Any

from heatmap.errors import Unavailable
from heatmap.times import rfc3339

type Measure = Callable[[], dict[str, Any]]


def measured(parts: Mapping[str, Measure], now: int) -> dict[str, Any]:
    """What each part's measure says, or why it says nothing; `now` is UTC milliseconds."""
    health: dict[str, Any] = {"status": "ok", "as_of": rfc3339(now)}
    for part, measure in parts.items():
        try:
            health[part] = {"status": "ok", **measure()}
        except Unavailable as error:
            health[part] = {"status": "unavailable", "reason": str(error)}
            health["status"] = "unavailable"
    return health
