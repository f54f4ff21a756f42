"""When each message of a viewport came, and what follows from that."""

from array import array
from collections.abc import Iterable

from soak.distribution import Distribution


class Timeline:
    """The messages of one viewer's viewport. Times are UTC milliseconds, and ascend."""

    def __init__(self) -> None:
        self._at = array("d")
        self._delays_ms = array("d")
        self._revs = array("q")

    def note(self, at: float, delay_ms: float, rev: int) -> None:
        """A message came.

        Args:
            delay_ms: since the server read the state for it.
            rev: the revision at which the viewer is with it.
        """
        self._at.append(at)
        self._delays_ms.append(delay_ms)
        self._revs.append(rev)

    def delays(self, since: float) -> Distribution:
        """The delays of the messages that came from a time on."""
        found = Distribution()
        for at, delay_ms in zip(self._at, self._delays_ms, strict=True):
            if at >= since:
                found.add(delay_ms)
        return found

    def behind(self, samples: Iterable[tuple[float, int]], now: float) -> Distribution:
        """How long it took, each time, until the viewer had all that the live state held for the viewport.

        Args:
            samples: times and the newest revision of a cell in the viewport that the live state held then, ascending.
            now: when whatever the viewer has not got yet counts as got.
        """
        found = Distribution()
        message = 0
        for at, rev in samples:
            while message < len(self._revs) and self._revs[message] < rev:
                message += 1
            got_at = self._at[message] if message < len(self._at) else now
            found.add(max(0.0, got_at - at))
        return found
