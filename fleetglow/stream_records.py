"""Records of a range of the stream, read once more."""

import time
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleetglow.backoff import Backoff
from fleetglow.operated import told_in_a_line
from heatmap.failures import Place

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

# What GetRecords takes at most.
MAX_LIMIT = 10_000
# A shard answers five reads a second, whoever asks: the aggregator needs one at least, and GET /health asks, too.
READ_EVERY_S = 0.5
PATIENCE_S = 60.0
# The stream or its shard is no more, or numbers its records otherwise: it is another one of that name.
_GONE = {"ResourceNotFoundException", "InvalidArgumentException"}
_BUSY = {"ProvisionedThroughputExceededException", "KMSThrottlingException", "ThrottlingException"}


class StreamRecords:
    """Reads so slowly that those who live on the stream hardly notice.

    Args:
        clock: seconds.
        sleep: for so many seconds.
    """

    def __init__(
        self,
        kinesis: "KinesisClient",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        self._kinesis = kinesis
        self._clock = clock
        self._sleep = sleep
        self._backoff = backoff or Backoff(first_s=1, longest_s=10)
        # When a shard may be asked again, by the operation: each has a limit of its own.
        self._turns: dict[tuple[str, str, str], float] = {}

    def of(self, place: Place) -> list[tuple[str, bytes]]:
        """Sequence number and data of those in a place that the stream still has.

        All are read before any is returned, since a shard's iterator is good for five minutes only.

        Raises:
            FleetglowError: the stream does not answer, or refuses.
        """
        found: list[tuple[str, bytes]] = []
        with told_in_a_line(f"the stream {place.stream} cannot be read"):
            try:
                self._read(place, found)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _GONE:
                    raise
        return found

    def _read(self, place: Place, found: list[tuple[str, bytes]]) -> None:
        end = int(place.end_sequence_number)
        begin = partial(
            self._kinesis.get_shard_iterator,
            StreamName=place.stream,
            ShardId=place.shard_id,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=place.start_sequence_number,
        )
        iterator = self._in_turn(place, "GetShardIterator", begin)["ShardIterator"]
        while iterator:
            # The aggregator reads from the same shard, which answers nobody for up to 5 s after it has given 10 MB.
            limit = min(max(1, place.batch_size - len(found)), MAX_LIMIT)
            go_on = partial(self._kinesis.get_records, ShardIterator=iterator, Limit=limit)
            answer = self._in_turn(place, "GetRecords", go_on)
            some = [(record["SequenceNumber"], record["Data"]) for record in answer["Records"]]
            found += takewhile(lambda record: int(record[0]) <= end, some)
            if some and int(some[-1][0]) >= end:
                return
            # An answer may be empty though there is more; at the end of the shard nothing is behind.
            if not some and not answer.get("MillisBehindLatest"):
                return
            iterator = answer.get("NextShardIterator", "")

    def _in_turn[T](self, place: Place, operation: str, ask: Callable[[], T]) -> T:
        """The shard's answer, and if it has no time for us, then the one to another attempt."""
        turn = (place.stream, place.shard_id, operation)
        deadline = self._clock() + PATIENCE_S
        refusals = 0
        while True:
            self._sleep(max(0.0, self._turns.get(turn, 0.0) - self._clock()))
            self._turns[turn] = self._clock() + READ_EVERY_S
            try:
                return ask()
            except ClientError as error:
                if error.response["Error"]["Code"] not in _BUSY or self._clock() > deadline:
                    raise
            refusals += 1
            self._sleep(self._backoff.wait_s(refusals))
