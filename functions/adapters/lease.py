"""Which broadcaster is at work: a counter in Valkey hands out fencing tokens, and the newest token wins.

EventBridge can fire twice and invocations overlap on purpose; each tick is made by the holder of the newest token,
which the live state checks, so nobody needs to hold or release anything.
"""

from typing import Self

import redis

from adapters import valkey
from adapters.settings import LiveStateSettings

LEASE_KEY = "broadcast:token"


class Lease:
    """Hands out fencing tokens."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    @classmethod
    def from_env(cls) -> Self:
        return cls(valkey.connect(LiveStateSettings.from_env().redis_url))

    def take(self, at_least: int) -> int:
        """A fencing token greater than every one before.

        Args:
            at_least: the present time in milliseconds; it keeps tokens growing even when the counter was lost.
        """
        script = valkey.script("lease")
        [token] = valkey.run(self._client, script, [([LEASE_KEY], [at_least])])
        return int(token)

    def is_current(self, token: int) -> bool:
        """Whether nobody has taken over since."""
        with valkey.answering("the lease"):
            newest = self._client.get(LEASE_KEY)
        return newest is None or int(newest) <= token
