"""Logs and metrics: structured JSON lines, and metrics embedded in them (EMF), so neither needs a network call."""

import warnings

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# Nothing to count is an ordinary outcome.
warnings.filterwarnings("ignore", "No application metrics to publish*")

logger = Logger()
metrics = Metrics()


def count(name: str, value: int = 1) -> None:
    """Add to a counter; zero is not worth a metric."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def flush() -> None:
    """Write what was counted so far, in an invocation that lasts."""
    metrics.flush_metrics()


def milliseconds(name: str, value: float) -> None:
    """Record a duration."""
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)
