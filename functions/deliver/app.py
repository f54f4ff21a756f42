"""The deliverer: jobs from the queue, posted within the time that the function has."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters import settings
from adapters.fan_out import FanOut
from adapters.observability import logger, metrics
from adapters.queues import Queue
from deliver.deliverer import Deliverer, QueuedJob

# Older frames have been replaced several times over.
PATIENCE_S = 20.0
# What is kept of the function's own time-out for telling who is gone: longer than a queue that hangs is waited for.
MARGIN_S = 8.0


@cache
def gone_connections() -> Queue:
    return Queue.at(settings.gone_queue_url())


@cache
def deliverer() -> Deliverer:
    return Deliverer(FanOut.from_env(), gone_connections, clock=lambda: time.time_ns() // 1_000_000)


def queued(record: dict[str, Any]) -> QueuedJob:
    return QueuedJob(record["messageId"], record["body"], int(record["attributes"]["SentTimestamp"]))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    patience_s = min(PATIENCE_S, context.get_remaining_time_in_millis() / 1000 - MARGIN_S)
    deliverer().deliver([queued(record) for record in event["Records"]], patience_s)
