"""Delivery jobs to viewers. A connection that is gone is normal: the registry is told."""

from collections import Counter
from functools import cache
from typing import Any

import msgspec

from adapters import settings
from adapters.fan_out import FanOut, Outcome
from adapters.observability import count, logger, metrics
from adapters.queues import Queue
from heatmap.deliveries import Delivery, decode


@cache
def fan_out() -> FanOut:
    return FanOut.from_env()


@cache
def gone_connections() -> Queue:
    return Queue.at(settings.gone_queue_url())


def deliveries(event: dict[str, Any]) -> list[Delivery]:
    """The deliveries of all jobs of a batch."""
    wanted: list[Delivery] = []
    for record in event["Records"]:
        try:
            wanted += decode(record["body"]).deliveries
        except msgspec.DecodeError as error:
            # No retry makes it readable, and what it held is replaced by the next frame.
            logger.error("unreadable job", message_id=record["messageId"], reason=str(error))
            count("jobs_unreadable")
    return wanted


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> None:
    outcomes = fan_out().send(deliveries(event))
    for outcome, number in Counter(outcomes.values()).items():
        count(f"viewers_{outcome.value}", number)
    gone = [connection for connection, outcome in outcomes.items() if outcome is Outcome.GONE]
    if gone:
        gone_connections().send(gone)
