"""Durations, counted instead of kept: those of several processes add up, and minutes of them take no memory."""

from collections import Counter
from collections.abc import Iterable, Mapping

STEP_MS = 10


class Distribution:
    """How often durations occurred, each rounded up to whole steps of 10 ms.

    Attributes:
        counts: by the number of steps.
    """

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts or {})

    def add(self, duration_ms: float) -> None:
        # The clocks of two processes of one machine agree, but for a rounding.
        self.counts[max(0, -int(-duration_ms // STEP_MS))] += 1

    def update(self, others: "Iterable[Distribution]") -> None:
        for other in others:
            self.counts.update(other.counts)

    @property
    def size(self) -> int:
        return self.counts.total()

    @property
    def longest_ms(self) -> int:
        return STEP_MS * max(self.counts, default=0)

    def percentile_ms(self, share: float) -> int:
        """The duration that this share of them did not exceed; 0 if there are none."""
        wanted = -int(-share * self.size // 1)
        passed = 0
        for steps in sorted(self.counts):
            passed += self.counts[steps]
            if passed >= wanted:
                return STEP_MS * steps
        return 0

    def beyond(self, limit_ms: float) -> int:
        """How many were longer."""
        return sum(number for steps, number in self.counts.items() if STEP_MS * steps > limit_ms)

    def figures(self) -> dict[str, int]:
        """What a report says of it, in milliseconds."""
        shares = {f"p{round(100 * share)}": self.percentile_ms(share) for share in (0.5, 0.95, 0.99)}
        return shares | {"max": self.longest_ms, "n": self.size}
