"""What a request holds: its good pings go onto the stream, for each of the others there is a reason."""

from collections import Counter
from dataclasses import dataclass

from adapters.observability import Metric, count
from adapters.ping_stream import PingStream
from heatmap.access import Principal
from heatmap.cities import cities
from heatmap.errors import NotAllowed, RateLimited
from heatmap.limits import RateLimit, wait_ms
from heatmap.permits import permitted
from heatmap.pings import Parsed, parse
from heatmap.records import Origin, encode

# What is not listed is malformed in one of many ways.
_REASONS = {
    "future": Metric.PINGS_FUTURE,
    "too_old": Metric.PINGS_TOO_OLD,
    "zero_island": Metric.PINGS_ZERO_ISLAND,
    "inaccurate": Metric.PINGS_INACCURATE,
    NotAllowed.code: Metric.PINGS_FORBIDDEN,
    RateLimited.code: Metric.PINGS_RATE_LIMITED,
}


@dataclass(frozen=True)
class Intake:
    """Takes pings, no faster than a driver may send them."""

    stream: PingStream
    limit: RateLimit

    def take(self, body: bytes, sender: Principal, origin: Origin, now: int) -> Parsed:
        """Put the good pings of a request onto the stream; says which they are, and what is wrong with the others.

        Args:
            now: UTC milliseconds.

        Raises:
            InvalidInput: the body holds no pings.
            Unavailable: the stream did not take them, as far as we know.
        """
        parsed = self.limit.admit(permitted(parse(body, now, cities()), sender), now)
        if parsed.pings:
            for record in encode(parsed.pings, origin):
                self.stream.put(record)
        count(Metric.PINGS_ACCEPTED, len(parsed.pings))
        count(Metric.PINGS_REJECTED, len(parsed.rejected))
        for reason, pings in Counter(_REASONS.get(each.code, Metric.PINGS_INVALID) for each in parsed.rejected).items():
            count(reason, pings)
        return parsed


def status_of(parsed: Parsed) -> int:
    """One good ping makes a good request; without any, 403 says that another token would have helped, 429 a pause."""
    if parsed.pings:
        return 202
    if wait_ms(parsed):
        return 429
    return 403 if all(each.code == NotAllowed.code for each in parsed.rejected) else 400
