"""Reading a range of the stream once more, beside an aggregator that lives on the same shard."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fleetglow.backoff import Backoff
from fleetglow.errors import FleetglowError
from fleetglow.stream_records import MAX_LIMIT, PATIENCE_S, READ_EVERY_S, StreamRecords
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


class Seconds:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def a_reader(kinesis: Any, clock: Seconds | None = None) -> StreamRecords:
    clock = clock or Seconds()
    return StreamRecords(kinesis, clock, clock.sleep, Backoff(1, 10, Random(1)))


def read(kinesis: Any, place: Place) -> list[int]:
    return [int(number) for number, _ in a_reader(kinesis).of(place)]


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

    found = a_reader(shard).of(a_place(10, 12, 3))
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


class BusyShard(FakeShard):
    """A shard that refuses so many reads before it answers one, and notes when it was asked."""

    def __init__(self, clock: Seconds, refusals: int, *, code: str = "ProvisionedThroughputExceededException") -> None:
        super().__init__(first=1, count=100, at_once=1)
        self.asked_at: list[float] = []
        self._clock = clock
        self._refusals = refusals
        self._code = code

    def get_records(self, *, ShardIterator: str, Limit: int = MAX_LIMIT) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.asked_at.append(self._clock())
        if self._refusals:
            self._refusals -= 1
            raise a_refusal(self._code)
        return super().get_records(ShardIterator=ShardIterator, Limit=Limit)


def test_of_the_reads_that_a_shard_allows_most_are_left_to_those_who_live_on_it():
    clock = Seconds()
    shard = BusyShard(clock, refusals=0)
    reader = a_reader(shard, clock)

    # Also from one range to the next.
    for first in (1, 4):
        reader.of(a_place(first, first + 2, 3))

    pauses = [later - earlier for earlier, later in pairwise(shard.asked_at)]
    assert [READ_EVERY_S] * 5 == pytest.approx(pauses)


def test_another_shard_is_not_waited_for():
    clock = Seconds()
    reader = a_reader(BusyShard(clock, refusals=0), clock)
    began = clock()

    for shard in ("shardId-000000000000", "shardId-000000000001"):
        place = a_place(1, 1, 1)
        reader.of(Place(shard, place.start_sequence_number, place.end_sequence_number, 1, place.stream_arn))

    assert began == clock()


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "KMSThrottlingException"])
def test_a_shard_that_has_no_time_is_asked_again_later(code: str):
    clock = Seconds()
    shard = BusyShard(clock, refusals=4, code=code)

    assert 3 == len(a_reader(shard, clock).of(a_place(10, 12, 3)))
    assert 4 + 3 == len(shard.asked_at)


def test_one_that_never_has_any_ends_the_command_with_one_clear_line():
    clock = Seconds()
    began = clock()

    with pytest.raises(FleetglowError, match=r"^the stream pings cannot be read: .*ProvisionedThroughputExceeded"):
        a_reader(BusyShard(clock, refusals=1_000), clock).of(a_place(10, 12, 3))

    assert PATIENCE_S <= clock() - began < PATIENCE_S + 20
