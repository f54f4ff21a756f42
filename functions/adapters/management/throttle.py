"""When to pause after 429."""

from collections import deque

# Fewer refusals than these, or further apart, are clients that do not read.
_SIGNS = 3
_WITHIN_ANSWERS = 30
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.6
# A pause that is needed again so soon after the last one is twice as long.
_AGAIN_S = 1.0


class Throttle:
    """Tells an account that is over its rate from a client that does not read: API Gateway answers 429 to both.

    A full buffer concerns one viewer, who is dropped. A rate concerns whoever posts next: several refusals among few
    answers mean that, and then everybody pauses for a moment, a longer one each time it happens again at once.
    Frames are replaceable, so those that were refused are dropped; going on would only have more of them refused, and
    other users of the account with them.

    Attributes:
        answers: how many there were; whoever gets one adds it.
        until: when the pause ends, on the clock of the caller, in seconds; in the past if there is none.
    """

    __slots__ = ("_pause_s", "_refusals", "answers", "until")

    def __init__(self) -> None:
        self.answers = 0
        self.until = 0.0
        self._pause_s = 0.0
        self._refusals: deque[int] = deque(maxlen=_SIGNS)

    def refuse(self, now: float) -> bool:
        """Note a 429; whether a pause begins with it."""
        if now < self.until:
            # It was on its way already when the pause began.
            return False
        self._refusals.append(self.answers)
        if len(self._refusals) < _SIGNS or self._refusals[-1] - self._refusals[0] >= _WITHIN_ANSWERS:
            return False
        self._refusals.clear()
        is_again = self._pause_s and now - self.until < _AGAIN_S
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) if is_again else _FIRST_PAUSE_S
        self.until = now + self._pause_s
        return True
