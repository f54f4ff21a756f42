"""The failure queue, from the side of who looks after it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import batched
from typing import TYPE_CHECKING, Self

from fleetglow.operated import Operated, told_in_a_line

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

# What to do about messages that are in it.
ADVICE = (
    "`fleetglow dlq` says why; `fleetglow redrive` applies what can be applied, and with --discard deletes what "
    "never can"
)
_AT_ONCE = 10
# So many answers in a row without anything new, and the queue only repeats itself.
MAX_REPEATS = 10
# A message whose hold is older than this share of it, when its turn comes, is held anew.
_OLD = 0.1


class FailureQueue:
    """Shows each message once, hidden from others meanwhile; what was not deleted is there again at the end.

    Use it as a context manager.

    Args:
        hold_s: how long a message stays hidden should this process be killed; nine tenths of it are left when its turn
            comes.
        clock: seconds.
        wait_s: how long an empty answer takes. Of a queue on many servers only those who wait hear from all of them, so
            that an empty answer is the end.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        url: str,
        hold_s: int,
        clock: Callable[[], float] = time.monotonic,
        wait_s: int = 1,
    ) -> None:
        self._sqs = sqs
        self._url = url
        self._hold_s = hold_s
        self._clock = clock
        self._wait_s = wait_s
        self._held: dict[str, str] = {}

    @classmethod
    def of(cls, stack: Operated, hold_s: int, wait_s: int = 1) -> Self:
        return cls(stack.client("sqs"), stack.outputs["FailureQueueUrl"], hold_s, wait_s=wait_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for some in batched(self._held.values(), _AT_ONCE, strict=False):
            entries = [
                {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": 0} for n, receipt in enumerate(some)
            ]
            with _told():
                self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        self._held.clear()

    def messages(self) -> Iterator[tuple[str, str]]:
        """Id and body of each.

        Raises:
            FleetglowError: the queue does not answer, or refuses.
        """
        repeats = 0
        while repeats < MAX_REPEATS:
            asked = self._clock()
            found = self._receive()
            if not found:
                return
            new = [message for message in found if message["MessageId"] not in self._held]
            self._held |= {message["MessageId"]: message["ReceiptHandle"] for message in found}
            repeats = 0 if new else repeats + 1
            for message in new:
                if self._clock() - asked > _OLD * self._hold_s:
                    self._hold(message["ReceiptHandle"])
                yield message["MessageId"], message["Body"]

    def delete(self, message_id: str) -> None:
        """Take a message out for good.

        Raises:
            FleetglowError: the queue does not answer, or refuses.
        """
        with _told():
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self._held[message_id])
        del self._held[message_id]

    def _hold(self, receipt: str) -> None:
        with _told():
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=self._hold_s
            )

    def _receive(self) -> "list[MessageTypeDef]":
        with _told():
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_AT_ONCE,
                VisibilityTimeout=self._hold_s,
                WaitTimeSeconds=self._wait_s,
            )
        return answer.get("Messages", [])


def _told() -> AbstractContextManager[None]:
    return told_in_a_line("the failure queue did not answer")
