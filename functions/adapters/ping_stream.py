"""The Kinesis stream of accepted pings."""

import time
import uuid
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from adapters import settings
from adapters.observability import logger
from heatmap.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

# Kinesis answers in milliseconds. A stream that hangs is given up after 12 seconds at most, the pauses of up to one and
# two seconds between the attempts included: a function that is ended by its time-out of 15 tells nobody to come back.
PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})


class PingStream:
    """Writes records, and tells how far a reader is behind."""

    def __init__(self, client: "KinesisClient", name: str) -> None:
        self._client = client
        self.name = name

    @classmethod
    def from_env(cls) -> Self:
        return cls(boto3.client("kinesis", config=PATIENCE), settings.ping_stream())

    def put(self, data: bytes) -> None:
        """Write one record.

        The counts do not depend on the stream's order, so records are spread over the shards evenly.

        Raises:
            Unavailable: it was not written, as far as we know.
        """
        try:
            put = self._client.put_record(StreamName=self.name, Data=data, PartitionKey=uuid.uuid4().hex)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the stream did not take the pings", error) from error
        logger.debug("record written", shard_id=put["ShardId"], sequence_number=put["SequenceNumber"])

    def lag_ms(self, checkpoints: dict[str, str]) -> int:
        """How long the oldest record that is not yet applied has been waiting, in milliseconds; 0 if there is none.

        Args:
            checkpoints: for each shard the sequence number of the last record that the aggregator is done with.

        Raises:
            Unavailable: the stream did not answer.
        """
        try:
            shards = self._client.list_shards(StreamName=self.name)["Shards"]
            return max((self._shard_lag_ms(shard["ShardId"], checkpoints) for shard in shards), default=0)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the stream did not tell its lag", error) from error

    def _shard_lag_ms(self, shard_id: str, checkpoints: dict[str, str]) -> int:
        if shard_id in checkpoints:
            iterator = self._client.get_shard_iterator(
                StreamName=self.name,
                ShardId=shard_id,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                StartingSequenceNumber=checkpoints[shard_id],
            )
        else:
            iterator = self._client.get_shard_iterator(
                StreamName=self.name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
            )
        answer = self._client.get_records(ShardIterator=iterator["ShardIterator"], Limit=1)
        if answer["Records"]:
            arrived = answer["Records"][0]["ApproximateArrivalTimestamp"].timestamp()
            # The stream's clock may be ahead of ours; 0 is only said of a shard that has nothing to read.
            return max(1, round((time.time() - arrived) * 1000))
        return int(answer.get("MillisBehindLatest", 0))
