"""Delivery jobs to viewers. A connection that is gone is normal: the registry is told."""

from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from adapters import settings
from adapters.fan_out import FanOut
from adapters.management.outcome import Outcome
from adapters.management.sender import Report
from adapters.observability import count, logger, metrics, milliseconds
from adapters.queues import Queue
from heatmap.deliveries import Delivery, decode
from heatmap.errors import Unavailable

# Older frames have been replaced several times over.
PATIENCE_S = 20.0
# What is kept of the function's own time-out for telling who is gone.
MARGIN_S = 5.0


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


def tell(report: Report) -> None:
    """Count what became of the viewers; one line in the log for each reason why some were dropped."""
    viewers = report.counts()
    dropped = {outcome: number for outcome, number in viewers.items() if outcome.is_drop}
    count("viewers_sent", viewers[Outcome.SENT])
    count("viewers_gone", viewers[Outcome.GONE])
    count("viewers_dropped", sum(dropped.values()))
    for outcome, number in dropped.items():
        count(f"posts_{outcome.value}", number)
        # No viewer is forbidden alone: the role or the URL is wrong, and nobody gets a frame until that is mended.
        log = logger.error if outcome is Outcome.FORBIDDEN else logger.warning
        log("frames dropped", reason=outcome.value, viewers=number, example=report.causes[outcome])
    if report.durations_s:
        milliseconds("post_duration_p99", report.slowest_ms(0.99))


def tell_registry(gone: list[str]) -> None:
    """Have those connections forgotten that are no more."""
    try:
        gone_connections().send(gone)
    except Unavailable as error:
        # Failing now would post every frame again. Who is gone will be found so at the next frame too.
        logger.error("gone connections not reported", viewers=len(gone), reason=str(error))
        count("unavailable")


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    patience_s = min(PATIENCE_S, context.get_remaining_time_in_millis() / 1000 - MARGIN_S)
    report = fan_out().send(deliveries(event), patience_s)
    tell(report)
    if gone := report.gone():
        tell_registry(gone)
