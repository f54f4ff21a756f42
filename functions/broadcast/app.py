"""Every minute: ticks, until the next invocation takes over or the time is up."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters import settings
from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.observability import Metric, gauge, logger, metrics
from adapters.publisher import Publisher
from adapters.queues import Queue
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from broadcast.broadcaster import Broadcaster
from heatmap.errors import Unavailable

# What the last tick may take before the function's own time-out.
MARGIN_MS = 5_000


def now() -> int:
    return time.time_ns() // 1_000_000


@cache
def broadcaster() -> Broadcaster:
    state = LiveState.from_env()
    return Broadcaster(
        state=state,
        publisher=Publisher.of(state),
        lease=Lease.from_env(),
        registry=Registry.from_env(),
        deliveries=Queue.at(settings.deliveries_queue_url()),
        settings=BroadcastSettings.from_env(),
        clock=now,
        sleep=lambda ms: time.sleep(ms / 1000),
    )


def count_connections(registry: Registry) -> None:
    """Measure how many are connected; the ticks go on without it."""
    try:
        gauge(Metric.CONNECTIONS_OPEN, registry.count())
    except Unavailable as error:
        logger.warning("connections not counted", reason=str(error))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    count_connections(broadcaster().registry)
    return {"ticks": broadcaster().run(until=now() + context.get_remaining_time_in_millis() - MARGIN_MS)}
