"""How often something may happen."""


class TokenBucket:
    """`rate_per_s` times a second, and after a second's pause as many at once; zero is no limit. Times in seconds."""

    def __init__(self, rate_per_s: int, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._tokens = float(rate_per_s)
        self._filled = now

    def take(self, now: float) -> bool:
        """Whether it may happen now, which then counts."""
        if not self._rate_per_s:
            return True
        self._tokens = min(self._rate_per_s, self._tokens + (now - self._filled) * self._rate_per_s)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
