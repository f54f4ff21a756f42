"""Records of a range of the stream, read once more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from heatmap.failures import Place

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient
    from types_boto3_kinesis.type_defs import GetRecordsOutputTypeDef

# The stream or its shard is no more, or numbers its records otherwise: it is another one of that name.
_GONE = {"ResourceNotFoundException", "InvalidArgumentException"}


def records(kinesis: "KinesisClient", place: Place) -> Iterator[tuple[str, bytes]]:
    """Sequence number and data of those that the stream still has."""
    end = int(place.end_sequence_number)
    try:
        iterator = kinesis.get_shard_iterator(
            StreamName=place.stream,
            ShardId=place.shard_id,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=place.start_sequence_number,
        )["ShardIterator"]
        while iterator:
            answer: GetRecordsOutputTypeDef = kinesis.get_records(ShardIterator=iterator)
            for record in answer["Records"]:
                if int(record["SequenceNumber"]) > end:
                    return
                yield record["SequenceNumber"], record["Data"]
            # An answer may be empty though there is more; at the end of the shard nothing is behind.
            if not answer["Records"] and not answer.get("MillisBehindLatest"):
                return
            iterator = answer.get("NextShardIterator", "")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
