"""How often a driver may ping: a token bucket for each, of which one number has to be remembered.

That number is when the driver will have been silent long enough for a whole burst again (GCRA, the generic cell rate
algorithm of ITU-T I.371: its "theoretical arrival time"). Who is not remembered has a full bucket.
"""

from itertools import count
from math import ceil

from heatmap.errors import RateLimited
from heatmap.pings import Parsed, Rejection

# Remembered twice as many at most: some 100 bytes each, with the driver's id.
DRIVERS = 100_000


class RateLimit:
    """`per_second` pings of a driver in the long run, `burst` at once."""

    def __init__(self, per_second: float, burst: int, drivers: int = DRIVERS) -> None:
        self._interval_ms = 1_000 / per_second
        self._most_ahead_ms = (burst - 1) * self._interval_ms
        self._allowed = f"at most {per_second:g} pings a second of a driver, {burst} at once"
        self._drivers = drivers
        # When the recent ones are too many they become the older ones, and those are forgotten: so whoever has pinged
        # lately is remembered, and nobody has to be searched for.
        self._recent: dict[str, float] = {}
        self._older: dict[str, float] = {}

    @property
    def remembered(self) -> int:
        """How many drivers are remembered."""
        return len(self._recent) + len(self._older)

    def admit(self, parsed: Parsed, now: int) -> Parsed:
        """The same pings, those refused that come too fast after the ones before them.

        Args:
            now: UTC milliseconds.
        """
        waits = [self._wait_ms(ping.driver_id, now) for ping in parsed.pings]
        if not any(waits):
            return parsed
        refused_before = {each.index for each in parsed.rejected}
        places = (index for index in count() if index not in refused_before)
        pings, rejected = [], list(parsed.rejected)
        for index, ping, wait_ms in zip(places, parsed.pings, waits, strict=False):
            if wait_ms:
                refusal = RateLimited(self._allowed, wait_ms)
                rejected.append(Rejection(index, refusal.code, str(refusal), wait_ms))
            else:
                pings.append(ping)
        return Parsed(pings, sorted(rejected, key=lambda each: each.index))

    def _wait_ms(self, driver_id: str, now: int) -> int:
        """Take a token; if there is none, in how many milliseconds there will be one."""
        recent = self._recent
        full_at = recent.get(driver_id)
        if full_at is None:
            full_at = self._older.get(driver_id, 0.0)
        ahead_ms = full_at - now
        if ahead_ms > self._most_ahead_ms:
            return ceil(ahead_ms - self._most_ahead_ms)
        recent[driver_id] = (full_at if ahead_ms > 0 else now) + self._interval_ms
        if len(recent) >= self._drivers:
            self._older, self._recent = recent, {}
        return 0


def wait_ms(parsed: Parsed) -> int:
    """If all of a request's pings came too fast: after how many milliseconds one would be taken; otherwise 0."""
    waits = [each.retry_after_ms for each in parsed.rejected if isinstance(each.retry_after_ms, int)]
    return min(waits) if waits and len(waits) == len(parsed.rejected) and not parsed.pings else 0
