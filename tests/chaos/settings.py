"""How large a chaos run is: defaults that can be set by the environment, as `CHAOS_MINUTES=20`."""

from dataclasses import dataclass

from soak.settings import Soak


@dataclass(frozen=True)
class Chaos(Soak):
    """As the soak, and what is broken beyond it.

    Attributes:
        outage_every_s: seconds between the end of one fault and the next.
        cache_failures: share of the calls of the cache that fail all the while.
        skew_s: by how much drivers' clocks are fast or slow at most.
        late_drivers: whose clocks are so slow that all of their pings come too late.
    """

    viewers: int = 60
    viewports: int = 20
    drivers: int = 1_000
    interval_s: float = 3.0
    minutes: float = 5.0
    lost_posts: float = 0.02
    cuts_per_s: float = 0.3
    outage_every_s: float = 3.0
    cache_failures: float = 0.1
    skew_s: float = 12.0
    late_drivers: int = 20
