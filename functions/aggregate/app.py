"""Kinesis records to exact counts.

A batch that could not be applied, because the live state did not answer, is delivered again until it could. A record
that no retry can help is handed to the failure queue at once, and the pings of the others are counted. Applying is
idempotent.
"""

import time
from functools import cache
from typing import Any

from adapters import settings
from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.observability import Metric, count, logger, metrics
from adapters.queues import Queue
from aggregate.aggregator import Aggregator, shard_of
from heatmap.cities import cities
from heatmap.errors import Unavailable

# In an event that `fleetglow redrive` has made of records in the failure queue.
REDRIVE = "redrive"
# And in one of records that are named there by their range only: whoever cannot be read is to be there by itself.
HAND_OVER = "hand_over"


@cache
def state() -> LiveState:
    return LiveState.from_env()


@cache
def checkpoints() -> Checkpoints:
    return Checkpoints.from_env()


@cache
def failures() -> Queue:
    return Queue.at(settings.failure_queue_url())


def now() -> int:
    return time.time_ns() // 1_000_000


@cache
def jump_speed(city: str) -> float:
    """Metres per second above which a driver of a city has jumped."""
    own = cities().quality(city).jump_speed
    return settings.jump_speed() if own is None else own


def note(stream: str, shard_id: str, sequence_number: str) -> None:
    """Note how far we are, if that can be: what of the batch was not applied is in the failure queue."""
    try:
        checkpoints().note(stream, shard_id, sequence_number)
    except Unavailable as error:
        # Only /health asks for it, and the next batch notes more. To fail here would hand the failures over once more.
        logger.warning("checkpoint not noted", shard_id=shard_id, sequence_number=sequence_number, reason=str(error))
        count(Metric.UNAVAILABLE)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    entries = event["Records"]
    is_redriven = event.get(REDRIVE, False)
    aggregator = Aggregator(state(), failures, now, jump_speed)
    if not entries:
        # So `fleetglow redrive` asks whether we work at all.
        return {}
    outcome = aggregator.apply(
        entries, is_redriven=is_redriven, hands_over=not is_redriven or event.get(HAND_OVER, False)
    )
    if not is_redriven:
        last = entries[-1]
        note(last["eventSourceARN"].rpartition("/")[2], shard_of(last), last["kinesis"]["sequenceNumber"])
    return outcome
