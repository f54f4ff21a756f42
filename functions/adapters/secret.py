"""The secret of the stack: read once in a while, and remembered meanwhile."""

from collections.abc import Callable

from adapters.remembered import Ages, Remembered
from adapters.uptime import uptime_s

FRESH_S = 300
# A service that hangs is waited for, so not at every call.
ASK_AGAIN_S = 60
# An outage does not lock everybody out, but a secret that was replaced must not live for ever.
STALE_S = 24 * 3600


def secret(read: Callable[[], str], clock: Callable[[], float] = uptime_s) -> Remembered[str]:
    """A secret that is read anew after five minutes; while it cannot be, the one that is known serves on for a day.

    Args:
        read: gets the secret; raises Unavailable.
        clock: seconds, ever ascending, also while the function is frozen.
    """
    # Without one nobody gets in: then each call asks.
    return Remembered("secret", read, Ages(FRESH_S, STALE_S, ASK_AGAIN_S, again_without_s=0), clock)
