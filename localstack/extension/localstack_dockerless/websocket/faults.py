"""Faults on demand, for testers who want to see what their system does about them.

They concern all APIs of the gateway. With the same seed the same posts, counted as they come, are lost, refused or
delayed again; which connections are cut depends on who is connected.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, TypeGuard

MAX_DELAY_MS = 60_000
MAX_CUTS_PER_SECOND = 1000
MS_PER_S = 1000


class Fate(Enum):
    """What becomes of a post to a connection."""

    DELIVERED = "delivered"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Faults:
    """`lose_posts` and `refuse_posts` are shares of all posts, so together no more than 1; `delay_posts_ms` is between
    which two delays each post waits before anything else becomes of it.
    """

    lose_posts: float = 0.0
    refuse_posts: float = 0.0
    delay_posts_ms: tuple[float, float] = (0.0, 0.0)
    cut_connections_per_second: float = 0.0
    seed: int | None = None

    @staticmethod
    def from_json(text: bytes) -> "Faults":
        """What is left out does not happen. Raises ValueError that says what was expected."""
        try:
            wanted = json.loads(text)
        except (ValueError, RecursionError):  # the latter for brackets without end
            raise ValueError("expected a JSON object") from None
        if not isinstance(wanted, dict):
            raise ValueError(f"expected a JSON object, got {json.dumps(wanted)}")
        names = [field.name for field in fields(Faults)]
        if unknown := [name for name in wanted if name not in names]:
            raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(names)}")
        return _checked(wanted)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "delay_posts_ms": list(self.delay_posts_ms)}


def _checked(wanted: Mapping[str, Any]) -> Faults:
    for name in ("lose_posts", "refuse_posts"):
        _require(name, wanted.get(name, 0), "a share from 0 to 1", highest=1)
    lost, refused = wanted.get("lose_posts", 0), wanted.get("refuse_posts", 0)
    if lost + refused > 1:
        raise ValueError(f"lose_posts and refuse_posts: expected no more than 1 together, got {lost + refused:g}")
    cuts = wanted.get("cut_connections_per_second", 0)
    _require("cut_connections_per_second", cuts, f"0 to {MAX_CUTS_PER_SECOND}", highest=MAX_CUTS_PER_SECOND)
    seed = wanted.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ValueError(f"seed: expected a whole number, got {json.dumps(seed)}")
    return Faults(lost, refused, _delay(wanted.get("delay_posts_ms", [0, 0])), cuts, seed)


def _delay(value: Any) -> tuple[float, float]:
    match value:
        case [shortest, longest] if _is_number(shortest) and _is_number(longest) and 0 <= shortest <= longest:
            if longest <= MAX_DELAY_MS:
                return shortest, longest
    expected = f"[shortest, longest] with 0 <= shortest <= longest <= {MAX_DELAY_MS}"
    raise ValueError(f"delay_posts_ms: expected {expected}, got {json.dumps(value)}")


def _require(name: str, value: Any, expected: str, *, highest: float) -> None:
    if not _is_number(value) or not 0 <= value <= highest:
        raise ValueError(f"{name}: expected {expected}, got {json.dumps(value)}")


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


class FaultInjector:
    """Decides what happens, and counts what did. `active`: whether anything may happen."""

    def __init__(self) -> None:
        self.begin(Faults())

    def begin(self, faults: Faults) -> None:
        """From now on these, and counters that begin at zero."""
        self.faults = faults
        self.active = faults != Faults(seed=faults.seed)
        self.counters = Counter(posts_lost=0, posts_refused=0, posts_delayed=0, connections_cut=0)
        # Cuts come at times of their own, which must not change what posts draw.
        self._posts, self._cuts = random.Random(faults.seed), random.Random(faults.seed)  # noqa: S311 - no secrets

    def end(self) -> None:
        """No more faults; the counters stay."""
        self.faults, self.active = Faults(), False

    def to_json(self) -> dict[str, Any]:
        return {"faults": self.faults.to_json(), "counters": dict(self.counters)}

    def draw_for_post(self) -> tuple[float, Fate]:
        """The delay in seconds, and what becomes of the post then."""
        delay_ms, drawn = self._posts.uniform(*self.faults.delay_posts_ms), self._posts.random()
        if drawn < self.faults.lose_posts:
            fate = Fate.LOST
        elif drawn < self.faults.lose_posts + self.faults.refuse_posts:
            fate = Fate.REFUSED
        else:
            fate = Fate.DELIVERED
        self.counters["posts_delayed"] += delay_ms > 0
        return delay_ms / MS_PER_S, fate

    def seconds_to_next_cut(self) -> float:
        """Exponentially distributed, like what happens without regard to what was before. Needs a rate above zero."""
        return self._cuts.expovariate(self.faults.cut_connections_per_second)

    def choose_to_cut[T](self, connections: Sequence[T]) -> T:
        """One of them; there has to be one."""
        self.counters["connections_cut"] += 1
        return self._cuts.choice(connections)
