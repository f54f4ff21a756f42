"""What the failure queue holds: records that were not applied, with where they are and why.

Two write to it, in one form: Lambda, for a batch that was tried until it was too old, names the range; the aggregator,
for a record that no retry can help, also says why and has the record's data with it, wherever that fits.

    {"version": "1.0", "timestamp": "2026-01-31T12:00:00.123Z", "requestContext": {"condition": "PoisonRecord"},
     "KinesisBatchInfo": {"shardId", "startSequenceNumber", "endSequenceNumber", "batchSize", "streamArn",
                          "approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord"},
     "reason": "record: expected pings as packed JSON, …", "data": "<base64>"}
"""

import base64
from typing import Annotated

import msgspec
from msgspec import Meta

from heatmap.errors import PoisonRecord
from heatmap.times import rfc3339

POISON = "PoisonRecord"
# What a queue takes in one batch leaves room for the rest; a longer record is read from the stream again.
MAX_DATA_CHARACTERS = 200_000


# As the API of Kinesis has them.
Name = Annotated[str, Meta(pattern=r"\A[a-zA-Z0-9_.-]{1,128}\Z")]
SequenceNumber = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,128})\Z")]
StreamArn = Annotated[str, Meta(pattern=r"\Aarn:.*:stream/[a-zA-Z0-9_.-]{1,128}\Z")]


class Place(msgspec.Struct, frozen=True, rename="camel"):
    """Where records are in the stream; times as RFC 3339."""

    shard_id: Name
    start_sequence_number: SequenceNumber
    end_sequence_number: SequenceNumber
    batch_size: Annotated[int, Meta(ge=1)]
    stream_arn: StreamArn
    approximate_arrival_of_first_record: str = ""
    approximate_arrival_of_last_record: str = ""

    @property
    def stream(self) -> str:
        return self.stream_arn.rpartition("/")[2]


class Request(msgspec.Struct, frozen=True):
    """Of what Lambda tells about the failed invocation, why it gave up, as `RecordAgeExceeded`."""

    condition: str = ""


class Failure(msgspec.Struct, frozen=True):
    """One message of the failure queue.

    Attributes:
        timestamp: when it was given up, RFC 3339.
        reason: why the record cannot be applied, in a sentence; "" where only Lambda knows that there was an error.
        data: the record's data as base64; "" if it has to be read from the stream.
    """

    timestamp: str
    place: Place = msgspec.field(name="KinesisBatchInfo")
    request: Request = msgspec.field(name="requestContext", default=Request())
    reason: str = ""
    data: str = ""
    version: str = "1.0"

    @property
    def why(self) -> str:
        """The reason, or at least the condition."""
        return self.reason or self.request.condition or "unknown"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Failure).decode


def poison(place: Place, data: str, reason: str, now: int) -> Failure:
    """A record that no retry can help; `data` is its base64, `now` UTC milliseconds."""
    kept = data if len(data) <= MAX_DATA_CHARACTERS else ""
    return Failure(rfc3339(now), place, Request(POISON), reason, kept)


def encode(failure: Failure) -> str:
    """A failure as a queue's message."""
    return _encode(failure).decode()


def decode(body: str) -> Failure:
    """The failure in a queue's message.

    Raises:
        PoisonRecord: it holds none.
    """
    try:
        failure = _decode(body)
        base64.b64decode(failure.data, validate=True)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise PoisonRecord(f"message: expected a failed batch, got something else: {error}") from error
    return failure
