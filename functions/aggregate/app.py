"""Kinesis records to exact counts.

Every record is read before any is applied, so that one that cannot be read costs only itself: it is reported, retried
by the stream and handed to the failure queue, while the pings of the others are counted. Applying is idempotent.
"""

import base64
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.observability import count, logger, metrics, milliseconds
from heatmap.errors import PoisonRecord
from heatmap.records import Record, decode
from heatmap.register import merged

# When no record can be read the failures are reported all the same: a traceback for each would tell nothing more.
processor = BatchProcessor(event_type=EventType.KinesisDataStreams, raise_on_entire_batch_failure=False)


@cache
def state() -> LiveState:
    return LiveState.from_env()


@cache
def checkpoints() -> Checkpoints:
    return Checkpoints.from_env()


def read(record: KinesisStreamRecord) -> Record:
    """One record's pings; the processor reports it as failed if it has none to give."""
    try:
        return decode(base64.b64decode(record.kinesis.data, validate=True))
    except (PoisonRecord, ValueError) as error:
        logger.error("poison record", sequence_number=record.kinesis.sequence_number, reason=str(error))
        count("records_poisoned")
        raise


def apply(records: list[Record]) -> None:
    """Apply the pings of all records at once."""
    received_at = max(record.received_at for record in records)
    applied = state().apply(merged(records), received_at)
    count("pings_applied", applied.applied)
    count("pings_late", applied.late)
    count("pings_duplicate", applied.duplicate)
    # Of the ping that waited longest: the newest of a backlog would look fresh.
    milliseconds("apply_lag", time.time_ns() // 1_000_000 - min(record.received_at for record in records))


def note_progress(event: dict[str, Any]) -> None:
    """Remember how far we are: what of the batch was not applied cannot be, and shows in the failure queue."""
    last = event["Records"][-1]
    shard_id, _, _ = last["eventID"].partition(":")
    stream = last["eventSourceARN"].rpartition("/")[2]
    checkpoints().note(stream, shard_id, last["kinesis"]["sequenceNumber"])


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> PartialItemFailureResponse:
    with processor(records=event["Records"], handler=read):
        outcomes = processor.process()
    records = [result for status, result, _ in outcomes if status == "success"]
    if records:
        apply(records)
    note_progress(event)
    return processor.response()
