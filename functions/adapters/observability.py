"""Logs and metrics: structured JSON lines, and metrics embedded in them (EMF), so neither needs a network call."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# Nothing to count is an ordinary outcome.
warnings.filterwarnings("ignore", "No application metrics to publish*")

logger = Logger()
metrics = Metrics()

# Where API Gateway's events, of both kinds, say which request it was: each line in the log carries it.
REQUEST_ID = "requestContext.requestId"


def is_detailed() -> bool:
    """Whether this invocation is logged in detail: all are at level DEBUG, otherwise a sample (DebugSampleRate)."""
    return logger.log_level <= logging.DEBUG


@contextmanager
def in_detail(wanted: bool) -> Iterator[None]:
    """Log what is done in detail if that is wanted, for what it is done for has been so far."""
    level = logger.log_level
    if wanted:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)


class Metric(StrEnum):
    """Every metric there is, by the name that alarms and the dashboard know it by (docs/operations.md says more).

    Each stands in the stack's namespace with one dimension: `service`, the function that counts it.
    """

    # ingest
    PINGS_ACCEPTED = "pings_accepted"
    PINGS_REJECTED = "pings_rejected"
    # Why they were rejected: these add up to it.
    PINGS_INVALID = "pings_invalid"
    PINGS_FUTURE = "pings_future"
    PINGS_TOO_OLD = "pings_too_old"
    PINGS_ZERO_ISLAND = "pings_zero_island"
    PINGS_INACCURATE = "pings_inaccurate"
    PINGS_FORBIDDEN = "pings_forbidden"
    PINGS_RATE_LIMITED = "pings_rate_limited"
    # aggregate
    PINGS_APPLIED = "pings_applied"
    PINGS_LATE = "pings_late"
    PINGS_DUPLICATE = "pings_duplicate"
    PINGS_IMPLAUSIBLE = "pings_implausible"
    RECORDS_POISONED = "records_poisoned"
    APPLY_LAG = "apply_lag"
    # check
    CONSERVATION_DIFFERENCE = "conservation_difference"
    CITIES_RECOUNTED = "cities_recounted"
    # broadcast
    TICKS = "ticks"
    TICKS_FAILED = "ticks_failed"
    TICK_DURATION = "tick_duration"
    DRIVERS_SWEPT = "drivers_swept"
    FRAMES = "frames"
    CONNECTIONS_OPEN = "connections_open"
    # deliver
    VIEWERS_SENT = "viewers_sent"
    VIEWERS_GONE = "viewers_gone"
    VIEWERS_DROPPED = "viewers_dropped"
    POSTS_THROTTLED = "posts_throttled"
    POSTS_TIMED_OUT = "posts_timed_out"
    POSTS_FORBIDDEN = "posts_forbidden"
    POSTS_FAILED = "posts_failed"
    POST_DURATION_P99 = "post_duration_p99"
    FRAME_AGE = "frame_age"
    JOBS_UNREADABLE = "jobs_unreadable"
    CONNECTIONS_EXPIRED = "connections_expired"
    # connections
    CONNECTIONS_OPENED = "connections_opened"
    CONNECTIONS_REFUSED = "connections_refused"
    CONNECTIONS_CLOSED = "connections_closed"
    CONNECTIONS_GONE = "connections_gone"
    SNAPSHOTS = "snapshots"
    RESUMES = "resumes"
    # authorize
    TOKENS_REFUSED = "tokens_refused"
    TOKENS_EXPIRED = "tokens_expired"
    # whoever could not reach something
    UNAVAILABLE = "unavailable"


def count(name: Metric, value: int = 1) -> None:
    """Add to a counter; zero is not worth a metric."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def gauge(name: Metric, value: int) -> None:
    """Record how many there are; zero is news, too."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def milliseconds(name: Metric, value: float) -> None:
    """Record a duration."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)


def flush() -> None:
    """Write what was counted so far, in an invocation that lasts."""
    metrics.flush_metrics()
