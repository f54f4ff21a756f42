"""Reading a range of the stream once more, beside an aggregator that lives on the same shard."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fleetglow.errors import FleetglowError
from fleetglow.stream_records import MAX_LIMIT, records
from heatmap.failures import Place


class FakeShard:
    """Records numbered from `first`; an answer holds at most `at_once`, and every other one is empty if `has_gaps`."""

    def __init__(self, first: int, count: int, at_once: int = MAX_LIMIT, has_gaps: bool = False) -> None:
        self.limits: list[int] = []
        self._numbers = range(first, first + count)
        self._at_once = at_once
        self._is_gap = has_gaps
        self._has_gaps = has_gaps

    def get_shard_iterator(self, *, StartingSequenceNumber: str, **_: str) -> dict[str, str]:  # noqa: N803 - boto3's names
        return {"ShardIterator": StartingSequenceNumber}

    def get_records(self, *, ShardIterator: str, Limit: int = MAX_LIMIT) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.limits.append(Limit)
        behind = [number for number in self._numbers if number >= int(ShardIterator)]
        found = [] if self._is_gap else behind[: min(Limit, self._at_once)]
        self._is_gap = self._has_gaps and not self._is_gap
        return {
            "Records": [{"SequenceNumber": str(number), "Data": b"%d" % number} for number in found],
            "NextShardIterator": str(found[-1] + 1) if found else ShardIterator,
            "MillisBehindLatest": len(behind) - len(found),
        }


class Refusing:
    """Kinesis, where it answers with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_shard_iterator(self, **_: str) -> dict[str, str]:
        raise self._error


def a_place(first: int, last: int, size: int) -> Place:
    return Place("shardId-000000000000", str(first), str(last), size, "arn:aws:kinesis:us-east-1:1:stream/pings")


def read(kinesis: Any, place: Place) -> list[int]:
    return [int(number) for number, _ in records(kinesis, place)]


def a_refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "not you"}}, "GetShardIterator")


def test_no_more_is_asked_for_than_the_range_holds():
    shard = FakeShard(first=1, count=1000)

    assert [10, 11, 12] == read(shard, a_place(10, 12, 3))
    assert [3] == shard.limits


def test_what_came_already_is_not_asked_for_again():
    shard = FakeShard(first=1, count=1000, at_once=2)

    assert [10, 11, 12, 13, 14] == read(shard, a_place(10, 14, 5))
    assert [5, 3, 1] == shard.limits


def test_a_range_that_holds_more_than_it_says_is_read_to_its_end():
    assert [10, 11, 12] == read(FakeShard(first=1, count=1000), a_place(10, 12, 2))


def test_a_range_larger_than_an_answer_may_be_is_asked_for_in_parts():
    shard = FakeShard(first=0, count=2 * MAX_LIMIT)

    assert MAX_LIMIT + 1 == len(read(shard, a_place(0, MAX_LIMIT, MAX_LIMIT + 1)))
    assert [MAX_LIMIT, 1] == shard.limits


def test_an_empty_answer_is_not_the_end_while_there_is_more():
    assert [10, 11, 12] == read(FakeShard(first=1, count=12, at_once=1, has_gaps=True), a_place(10, 12, 3))


def test_what_the_stream_has_lost_is_left_out():
    assert [12, 13] == read(FakeShard(first=12, count=1000), a_place(10, 13, 4))
    assert [] == read(FakeShard(first=1, count=9), a_place(10, 13, 4))


def test_all_are_there_before_the_first_is_dealt_with_since_an_iterator_lives_five_minutes():
    shard = FakeShard(first=1, count=1000, at_once=1)

    found = records(shard, a_place(10, 12, 3))  # type: ignore[arg-type]
    asked = len(shard.limits)

    assert [("10", b"10"), ("11", b"11"), ("12", b"12")] == list(found)
    assert (3, 3) == (asked, len(shard.limits))


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidArgumentException"])
def test_a_stream_that_is_no_more_has_nothing(code: str):
    assert [] == read(Refusing(a_refusal(code)), a_place(1, 2, 2))


@pytest.mark.parametrize(
    "error",
    [a_refusal("AccessDeniedException"), EndpointConnectionError(endpoint_url="http://127.0.0.1:1")],
    ids=["refused", "unreachable"],
)
def test_a_stream_that_cannot_be_read_is_one_clear_line(error: Exception):
    with pytest.raises(FleetglowError, match=r"^the stream pings cannot be read: .*(not you|http://127\.0\.0\.1:1)"):
        read(Refusing(error), a_place(1, 2, 2))
