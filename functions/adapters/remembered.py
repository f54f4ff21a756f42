"""What is fetched from a service once in a while, and remembered meanwhile."""

from collections.abc import Callable
from typing import NamedTuple

from adapters.observability import logger
from heatmap.errors import Unavailable


class Ages(NamedTuple):
    """In seconds.

    Attributes:
        fresh_s: what is older is asked for anew.
        stale_s: what is older serves no more.
        again_s: so long a service is not asked again.
        again_without_s: nor is it while nothing is known.
    """

    fresh_s: float
    stale_s: float
    again_s: float
    again_without_s: float


class Remembered[T]:
    """Something that is fetched anew when it has aged; while it cannot be, what is known serves on until it is stale.

    Args:
        what: its name in the log.
        fetch: gets it; raises Unavailable.
        clock: seconds, ever ascending, also while the function is frozen.

    Attributes:
        trouble: why it could not be had the last time it was asked for; None if it could.
    """

    def __init__(self, what: str, fetch: Callable[[], T], ages: Ages, clock: Callable[[], float]) -> None:
        self._what = what
        self._fetch = fetch
        self._ages = ages
        self._clock = clock
        self._known: T | None = None
        self._fetched_at = self._asked_at = float("-inf")
        self.trouble: Unavailable | None = None

    def value(self, is_enough: Callable[[T], bool] = lambda known: True) -> T:
        """What is known.

        Args:
            is_enough: what is known and is not is asked for anew, however fresh it is.

        Raises:
            Unavailable: nothing is known.
        """
        now = self._clock()
        if now - self._fetched_at > self._ages.stale_s:
            self._known = None
        is_wanted = now - self._fetched_at >= self._ages.fresh_s or self._known is None or not is_enough(self._known)
        wait_s = self._ages.again_without_s if self._known is None else self._ages.again_s
        if is_wanted and now - self._asked_at >= wait_s:
            self._ask(now)
        if self._known is None:
            raise self.trouble or Unavailable(f"no {self._what}")
        return self._known

    def _ask(self, now: float) -> None:
        self._asked_at = now
        try:
            self._known = self._fetch()
        except Unavailable as error:
            logger.warning(f"no new {self._what}", reason=str(error), is_known=self._known is not None)
            self.trouble = error
        else:
            self.trouble, self._fetched_at = None, now
