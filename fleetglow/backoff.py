"""How long to wait before trying again.

Full jitter: a random share of a ceiling that doubles, so that clients cut off together do not come back together
(Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Backoff:
    """`first_s` is the ceiling of the first wait, `longest_s` that of every wait; `chance` draws the share."""

    first_s: float
    longest_s: float
    chance: Random = field(default_factory=Random)

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row, 1 or more."""
        # Past 2**30 no ceiling of ours is left to double, but a float would overflow.
        ceiling = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return self.chance.uniform(0, ceiling)
