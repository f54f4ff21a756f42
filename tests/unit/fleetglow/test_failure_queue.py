"""Looking through the failure queue, whose service repeats and forgets as it likes."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.clock import FakeClock
from fleetglow.errors import FleetglowError
from fleetglow.failure_queue import MAX_REPEATS, FailureQueue

HOLD_S = 600


class FakeSqs:
    """Gives these answers, each the names of its messages, and then empty ones."""

    def __init__(self, *answers: str) -> None:
        self.received = 0
        self.extended: list[str] = []
        self.shown_again: list[str] = []
        self._answers = answers

    def receive_message(self, **_: Any) -> dict[str, Any]:
        names = self._answers[self.received] if self.received < len(self._answers) else ""
        self.received += 1
        # A new receipt each time, as the service has it.
        return {
            "Messages": [
                {"MessageId": name, "ReceiptHandle": f"{name}{self.received}", "Body": f"body of {name}"}
                for name in names
            ]
        }

    def change_message_visibility(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803 - boto3's names
        self.extended.append(ReceiptHandle)

    def change_message_visibility_batch(self, *, Entries: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803 - boto3's names
        self.shown_again += [entry["ReceiptHandle"] for entry in Entries]


class RefusingSqs:
    def receive_message(self, **_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "ReceiveMessage")


def a_queue(sqs: Any, clock: FakeClock | None = None) -> FailureQueue:
    return FailureQueue(sqs, "the queue", HOLD_S, clock or FakeClock(0))


def names(queue: FailureQueue) -> list[str]:
    return [name for name, _ in queue.messages()]


def test_an_answer_with_nothing_new_is_not_the_end():
    sqs = FakeSqs("ab", "ba", "bc", "c", "d")

    assert ["a", "b", "c", "d"] == names(a_queue(sqs))
    assert 6 == sqs.received


def test_a_queue_that_only_repeats_itself_ends_all_the_same():
    sqs = FakeSqs(*["a"] * 1000)

    assert ["a"] == names(a_queue(sqs))
    assert 1 + MAX_REPEATS == sqs.received


def test_messages_that_are_dealt_with_at_once_cost_no_more_than_their_receipt():
    sqs = FakeSqs("abcdefghij")

    assert 10 == len(names(a_queue(sqs)))
    assert [] == sqs.extended


def test_a_message_that_waited_for_others_is_held_anew():
    clock = FakeClock(0)
    sqs = FakeSqs("abc", "d")

    for name, _ in a_queue(sqs, clock).messages():
        if name == "a":
            clock.now += HOLD_S // 2

    assert ["b1", "c1"] == sqs.extended


def test_at_the_end_others_see_what_is_left_by_its_newest_receipt():
    sqs = FakeSqs("ab", "b")

    with a_queue(sqs) as queue:
        names(queue)

    assert ["a1", "b2"] == sqs.shown_again


def test_a_queue_that_refuses_is_one_clear_line():
    with pytest.raises(FleetglowError, match=r"^the failure queue did not answer: .*not you"):
        names(a_queue(RefusingSqs()))
