"""A stream keeps what it was given for a while, and then forgets it."""

import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

RECORD_BYTES = 9_000
# As many as fit into the 0.1 MB of `forgetful`; kinesis-mock counts some 100 bytes beside the data of each.
KEPT = 11
PUT = 40
POLL_S, POLLS = 0.1, 300


class Stream:
    """A stream of one shard, and what is in it."""

    def __init__(self, localstack: Any, name: str) -> None:
        self.name = name
        self.kinesis = localstack.client("kinesis")
        self.kinesis.create_stream(StreamName=name, ShardCount=1)
        self.kinesis.get_waiter("stream_exists").wait(
            StreamName=name, WaiterConfig={"Delay": POLL_S, "MaxAttempts": POLLS}
        )
        self.shard = self.kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]

    def put(self, number: int, size: int = RECORD_BYTES) -> str:
        """The sequence number."""
        data = _data(number, size)
        return str(self.kinesis.put_record(StreamName=self.name, PartitionKey="any", Data=data)["SequenceNumber"])

    def put_together(self, numbers: range, size: int = RECORD_BYTES) -> list[str]:
        records = [{"PartitionKey": "any", "Data": _data(number, size)} for number in numbers]
        answer = self.kinesis.put_records(StreamName=self.name, Records=records)
        return [str(record["SequenceNumber"]) for record in answer["Records"]]

    def iterator(self, kind: str, **position: str) -> str:
        answer = self.kinesis.get_shard_iterator(
            StreamName=self.name, ShardId=self.shard, ShardIteratorType=kind, **position
        )
        return str(answer["ShardIterator"])

    def read(self, iterator: str, **options: Any) -> Any:
        return self.kinesis.get_records(ShardIterator=iterator, **options)

    def numbers(self, iterator: str) -> list[int]:
        return [_number(record) for record in self.read(iterator)["Records"]]

    def kept(self) -> list[int]:
        return self.numbers(self.iterator("TRIM_HORIZON"))


def _data(number: int, size: int) -> bytes:
    return f"{number:06}".encode().ljust(size, b".")


def _number(record: Any) -> int:
    return int(record["Data"][:6])


def test_a_shard_keeps_its_newest_records(forgetful: Any) -> None:
    stream = Stream(forgetful, "newest")
    for number in range(PUT):
        stream.put(number)
    assert list(range(PUT - KEPT, PUT)) == stream.kept()


def test_records_that_were_put_together_are_kept_and_dropped_like_others(forgetful: Any) -> None:
    stream = Stream(forgetful, "together")
    stream.put_together(range(PUT))
    stream.put(PUT)
    stream.put_together(range(PUT + 1, PUT + 3))
    assert list(range(PUT + 3 - KEPT, PUT + 3)) == stream.kept()


def test_a_record_over_the_limit_is_kept_until_the_next_one(forgetful: Any) -> None:
    stream = Stream(forgetful, "large")
    stream.put(0, size=500_000)
    assert stream.kept() == [0]
    stream.put(1)
    assert stream.kept() == [1]


def test_sequence_numbers_go_on_where_they_were(forgetful: Any) -> None:
    stream = Stream(forgetful, "ascending")
    numbers = [stream.put(number) for number in range(PUT)]
    numbers += stream.put_together(range(PUT))
    numbers += [stream.put(0)]
    assert sorted(set(numbers), key=int) == numbers


def test_who_has_fallen_behind_goes_on_with_the_oldest_record_there_is(forgetful: Any) -> None:
    stream = Stream(forgetful, "behind")
    numbers = [stream.put(0), stream.put(1)]
    after_the_first = stream.read(stream.iterator("TRIM_HORIZON"), Limit=1)["NextShardIterator"]
    assert stream.numbers(after_the_first) == [1]
    for number in range(2, PUT):
        stream.put(number)

    assert stream.kept() == stream.numbers(after_the_first)
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        assert stream.kept() == stream.numbers(stream.iterator(kind, StartingSequenceNumber=numbers[1]))


def test_a_record_that_is_kept_is_found_by_its_sequence_number(forgetful: Any) -> None:
    stream = Stream(forgetful, "found")
    numbers = [stream.put(number) for number in range(PUT)]
    last_but_one = numbers[PUT - 2]
    assert stream.numbers(stream.iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber=last_but_one)) == [
        PUT - 2,
        PUT - 1,
    ]
    assert stream.numbers(stream.iterator("AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=last_but_one)) == [PUT - 1]


def test_a_sequence_number_that_never_was_is_refused(forgetful: Any) -> None:
    stream = Stream(forgetful, "never")
    numbers = [stream.put(number) for number in range(PUT)]
    with pytest.raises(ClientError, match="Unable to find record"):
        stream.iterator("AT_SEQUENCE_NUMBER", StartingSequenceNumber=str(int(numbers[-1]) + 1))


def test_records_are_dropped_when_they_are_old(new_localstack: Any, tmp_path: Path, eventually: Any) -> None:
    localstack = new_localstack(tmp_path, KINESIS_RETENTION_MINUTES="0.02")
    localstack.start()
    stream = Stream(localstack, "old")
    stream.put(0, size=10)
    assert stream.kept() == [0]

    def first_kept() -> int:
        stream.put(1, size=10)
        return stream.kept()[0]

    eventually(lambda: first_kept() == 1, timeout_s=10)


def test_nothing_is_dropped_by_default_that_is_new_and_small(localstack: Any) -> None:
    stream = Stream(localstack, "default")
    for number in range(PUT):
        stream.put(number)
    assert list(range(PUT)) == stream.kept()


def test_as_much_as_aws_takes_at_once_can_be_put_and_read(localstack: Any) -> None:
    stream = Stream(localstack, "megabytes")
    stream.put_together(range(5), size=1_000_000)
    assert list(range(5)) == stream.kept()


def test_putting_many_records_together_does_not_slow_down_as_they_become_more(localstack: Any) -> None:
    stream = Stream(localstack, "many")

    def five_times() -> float:
        started = time.monotonic()
        for _ in range(5):
            stream.put_together(range(500), size=10)
        return time.monotonic() - started

    times = [five_times() for _ in range(4)]
    # With each record hashing all those in the shard, the last are six times as slow as the first.
    assert times[-1] < times[0] * 3


def test_streams_are_not_written_to_disk(localstack: Any) -> None:
    Stream(localstack, "memory")
    [kinesis_mock] = [pid for pid, command in localstack.descendants().items() if "kinesis-local" in command]
    assert b"SHOULD_PERSIST_DATA" not in Path(f"/proc/{kinesis_mock}/environ").read_bytes()
