"""SQS: deliveries to the deliverer, gone connections back, and the depth of the failure queue."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from heatmap.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# SQS answers in milliseconds. A queue that hangs is given up after 7 seconds at most, the pause of up to a second
# between the attempts included: even two such waits, if of several batches only later ones hang, fit into the 15 of a
# function's time-out.
PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})

_BATCH = 10
# What a batch may hold in all, though a single message may be larger.
_BATCH_BYTES = 250_000
# A tick of many viewers is some hundred batches, each a round trip.
_SIDE_BY_SIDE = 8


class Queue:
    """One SQS queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    @classmethod
    def at(cls, url: str) -> "Queue":
        return cls(boto3.client("sqs", config=PATIENCE), url)

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        """Send messages, ten at a time where they fit, several batches side by side.

        Args:
            delay_s: for how long nobody gets them, at most 900.

        Raises:
            Unavailable: the queue did not take some of them.
        """
        batches = list(_batches(bodies))
        if len(batches) < 2:
            for batch in batches:
                self._send_batch(batch, delay_s)
            return
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(batches))) as pool:
            # Asking for the results raises what a batch has raised.
            list(pool.map(self._send_batch, batches, repeat(delay_s)))

    def depth(self) -> int:
        """Messages in the queue, about.

        Raises:
            Unavailable: the queue did not answer.
        """
        try:
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the queue did not tell its depth", error) from error
        return sum(int(value) for value in answer["Attributes"].values())

    def _send_batch(self, bodies: list[str], delay_s: int) -> None:
        entries = [
            {"Id": str(index), "MessageBody": body, "DelaySeconds": delay_s} for index, body in enumerate(bodies)
        ]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("the queue did not take the messages", error) from error
        if failed := answer.get("Failed"):
            raise Unavailable(f"the queue refused {len(failed)} of {len(bodies)} messages", failed[0].get("Message"))


def _batches(bodies: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for body in bodies:
        if batch and (len(batch) == _BATCH or size + len(body) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield batch
