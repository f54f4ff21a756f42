"""The failure queue, from the side of who looks after it."""

from collections.abc import Iterator
from itertools import batched
from typing import TYPE_CHECKING, Self

from fleetglow.operated import Operated

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

_AT_ONCE = 10


class FailureQueue:
    """Shows each message once, hidden from others meanwhile; what was not deleted is there again at the end.

    Use it as a context manager.

    Args:
        hold_s: how long a message stays hidden should this process be killed.
    """

    def __init__(self, sqs: "SQSClient", url: str, hold_s: int) -> None:
        self._sqs = sqs
        self._url = url
        self._hold_s = hold_s
        self._held: dict[str, str] = {}

    @classmethod
    def of(cls, stack: Operated, hold_s: int) -> Self:
        return cls(stack.client("sqs"), stack.outputs["FailureQueueUrl"], hold_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for some in batched(self._held.values(), _AT_ONCE, strict=False):
            entries = [
                {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": 0} for n, receipt in enumerate(some)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        self._held.clear()

    def messages(self) -> Iterator[tuple[str, str]]:
        """Id and body of each."""
        while found := self._receive():
            # The time during which the others are hidden must not run out while the first ones are dealt with.
            for message in found:
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=self._hold_s
                )
                yield message["MessageId"], message["Body"]

    def delete(self, message_id: str) -> None:
        """Take a message out for good."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self._held.pop(message_id))

    def _receive(self) -> "list[MessageTypeDef]":
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=self._hold_s, WaitTimeSeconds=1
        )
        found = answer.get("Messages", [])
        new = [message for message in found if message["MessageId"] not in self._held]
        self._held |= {message["MessageId"]: message["ReceiptHandle"] for message in found}
        return new
