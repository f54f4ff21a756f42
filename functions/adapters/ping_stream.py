"""The Kinesis stream of accepted pings."""

import time
import uuid
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from adapters import settings
from heatmap.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient


class PingStream:
    """Writes records, and tells how far a reader is behind."""

    def __init__(self, client: "KinesisClient", name: str) -> None:
        self._client = client
        self.name = name

    @classmethod
    def from_env(cls) -> Self:
        # Kinesis answers in milliseconds; a write that hangs is given up while the sender still waits.
        config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
        return cls(boto3.client("kinesis", config=config), settings.ping_stream())

    def put(self, data: bytes) -> None:
        """Write one record.

        The counts do not depend on the stream's order, so records are spread over the shards evenly.

        Raises:
            Unavailable: it was not written, as far as we know.
        """
        try:
            self._client.put_record(StreamName=self.name, Data=data, PartitionKey=uuid.uuid4().hex)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"the stream did not take the pings: {error}") from error

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
            raise Unavailable(f"the stream did not tell its lag: {error}") from error

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
            return max(0, round((time.time() - arrived) * 1000))
        return int(answer.get("MillisBehindLatest", 0))
