"""A clock for time-outs, and for how old something is, that freezing does not stop."""

import time
from collections.abc import Callable
from functools import partial

# In seconds. Nobody sets it, and it goes on while a function is frozen between two invocations.
uptime_s: Callable[[], float] = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
