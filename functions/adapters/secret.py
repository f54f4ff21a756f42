"""The secret of the stack: read once in a while, and remembered meanwhile."""

from collections.abc import Callable

from adapters.observability import logger
from adapters.uptime import uptime_s
from heatmap.errors import Unavailable

FRESH_S = 300
# A service that hangs is waited for, so not at every call.
ASK_AGAIN_S = 60
# An outage does not lock everybody out, but a secret that was replaced must not live for ever.
STALE_S = 24 * 3600


class Secret:
    """A secret that is read anew after five minutes; while it cannot be, the one that is known serves on for a day.

    Args:
        read: gets the secret; raises Unavailable.
        clock: seconds, ever ascending, also while the function is frozen.
    """

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = uptime_s) -> None:
        self._read = read
        self._clock = clock
        self._known: str | None = None
        self._read_at = 0.0
        self._asked_at = 0.0

    def value(self) -> str:
        """The secret.

        Raises:
            Unavailable: it is not known, and could not be read.
        """
        now = self._clock()
        if self._known is None or now - self._read_at > STALE_S:
            return self._read_anew(now)
        if now - self._read_at >= FRESH_S and now - self._asked_at >= ASK_AGAIN_S:
            self._asked_at = now
            try:
                return self._read_anew(now)
            except Unavailable as error:
                logger.warning("no new secret", reason=str(error))
        return self._known

    def _read_anew(self, now: float) -> str:
        self._known = self._read()
        self._read_at = now
        return self._known
