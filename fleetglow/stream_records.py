"""Records of a range of the stream, read once more."""

from itertools import takewhile
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleetglow.operated import told_in_a_line
from heatmap.failures import Place

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import GetRecordsOutputTypeDef

# What GetRecords takes at most.
MAX_LIMIT = 10_000
# The stream or its shard is no more, or numbers its records otherwise: it is another one of that name.
_GONE = {"ResourceNotFoundException", "InvalidArgumentException"}


def records(kinesis: "KinesisClient", place: Place) -> list[tuple[str, bytes]]:
    """Sequence number and data of those that the stream still has.

    All are read before any is returned, since a shard's iterator is good for five minutes only.

    Raises:
        FleetglowError: the stream does not answer, or refuses.
    """
    found: list[tuple[str, bytes]] = []
    with told_in_a_line(f"the stream {place.stream} cannot be read"):
        try:
            _read(kinesis, place, found)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
    return found


def _read(kinesis: "KinesisClient", place: Place, found: list[tuple[str, bytes]]) -> None:
    end = int(place.end_sequence_number)
    iterator = kinesis.get_shard_iterator(
        StreamName=place.stream,
        ShardId=place.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=place.start_sequence_number,
    )["ShardIterator"]
    while iterator:
        # The live aggregator reads from the same shard, which answers nobody for up to 5 s after it has given 10 MB.
        limit = min(max(1, place.batch_size - len(found)), MAX_LIMIT)
        answer: GetRecordsOutputTypeDef = kinesis.get_records(ShardIterator=iterator, Limit=limit)
        some = [(record["SequenceNumber"], record["Data"]) for record in answer["Records"]]
        found += takewhile(lambda record: int(record[0]) <= end, some)
        if some and int(some[-1][0]) >= end:
            return
        # An answer may be empty though there is more; at the end of the shard nothing is behind.
        if not some and not answer.get("MillisBehindLatest"):
            return
        iterator = answer.get("NextShardIterator", "")
