"""What was not applied is seen, redriven and accounted for; what was miscounted is made right: on the running stack."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import redis

from adapters.live_state import LiveState
from conftest import fleetglow
from e2e.support import Api, is_live, until
from e2e.test_viewers import watching
from factories import a_ping, a_record
from fleetglow import aws
from fleetglow.deployment import Deployment
from heatmap.failures import Failure, Place, Request, encode

NAIROBI = (-1.29, 36.82)


class FailurePath:
    """The stream and the failure queue of the stack, as those who write to them see them."""

    def __init__(self, stack: Deployment) -> None:
        self._kinesis = boto3.client("kinesis", **aws.local(stack.endpoint_url))
        self._sqs = boto3.client("sqs", **aws.local(stack.endpoint_url))
        self._stream = stack.outputs["PingStreamName"]
        self._url = stack.outputs["FailureQueueUrl"]
        summary = self._kinesis.describe_stream_summary(StreamName=self._stream)
        self._arn = summary["StreamDescriptionSummary"]["StreamARN"]

    def write(self, data: bytes) -> tuple[str, str]:
        """Put a record into the stream; its shard and sequence number."""
        put = self._kinesis.put_record(StreamName=self._stream, Data=data, PartitionKey="x")
        return put["ShardId"], put["SequenceNumber"]

    def give_up(self, shard_id: str, first: str, last: str, size: int) -> None:
        """Name a range in the failure queue, as Lambda does when it gives up."""
        place = Place(shard_id, first, last, size, self._arn)
        failure = Failure("2026-01-31T12:00:00.000Z", place, Request("RecordAgeExceeded"))
        self._sqs.send_message(QueueUrl=self._url, MessageBody=encode(failure))

    def purge(self) -> None:
        self._sqs.purge_queue(QueueUrl=self._url)


@pytest.fixture
def path(stack: Deployment) -> Iterator[FailurePath]:
    path = FailurePath(stack)
    yield path
    path.purge()


def a_driver(driver_id: str) -> bytes:
    # Its clock is fast, so that the driver does not fall silent while commands start.
    return a_record(a_ping(driver_id, time.time_ns() // 1_000_000 + 120_000, NAIROBI))


def printed(*command: str, status: int = 0) -> Any:
    """The JSON object that a command prints."""
    done = fleetglow(*command, "--json")
    assert status == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_what_was_not_applied_is_shown_and_redriven_record_by_record(
    stack: Deployment, path: FailurePath, exact: Callable[[], bool]
):
    client = redis.Redis.from_url(stack.redis_url)
    shard_id, first = path.write(a_driver("given-up"))
    _, poison = path.write(b"\x00 not one of ours")
    _, last = path.write(a_driver("given-up-beside"))
    until(lambda: is_live(stack, "nairobi", "given-up-beside"))
    until(lambda: 1 == len(printed("dlq")["messages"]))
    # As if the state had been away, and all of it had been given up.
    client.delete("homes", *client.keys("{nairobi}:*"))
    path.give_up(shard_id, first, last, 3)
    path.give_up(shard_id, str(int(first) - 10**20), str(int(first) - 10**20), 1)

    shown = {(each["start_sequence_number"], each["records"], each["reason"]) for each in printed("dlq")["messages"]}
    dry = printed("redrive", "--dry-run")["outcomes"]
    redriven = printed("redrive", status=1)

    assert {(first, 3, "RecordAgeExceeded")} <= shown
    assert any(start == poison and reason.startswith("record: expected pings") for start, _, reason in shown)
    assert {"readable": 2, "poison": 2, "expired": 1} == dry
    assert {"applied": 2, "poison": 2, "expired": 1} == redriven["outcomes"]
    assert {"redriven": 0, "discarded": 0, "left": 3} == redriven["messages"]
    assert all(is_live(stack, "nairobi", driver_id) for driver_id in ("given-up", "given-up-beside"))

    again = printed("redrive", "--discard")

    assert {"duplicate": 2, "poison": 2, "expired": 1} == again["outcomes"]
    assert {"redriven": 0, "discarded": 3, "left": 0} == again["messages"]
    assert [] == printed("dlq")["messages"]
    assert exact()


async def test_a_count_that_is_spoilt_is_made_right_by_the_check_and_viewers_follow(
    stack: Deployment, api: Api, state: LiveState, exact: Callable[[], bool]
):
    api.post_pings({"driver_id": "miscounted", "lat": NAIROBI[0], "lon": NAIROBI[1]})
    until(lambda: is_live(stack, "nairobi", "miscounted"))
    async with watching(stack, "nairobi") as watcher:
        before = watcher.view.epoch
        [cell, *_] = state.view("nairobi", 7).cells
        redis.Redis.from_url(stack.redis_url).hincrby("{nairobi}:n:7", cell, 5)
        assert not exact()

        # The schedule does so once a minute.
        lambdas = boto3.client("lambda", **aws.local(stack.endpoint_url))
        invoked = lambdas.invoke(FunctionName=stack.outputs["CheckFunctionName"])

        assert {"differences": {"nairobi": 5}} == json.loads(invoked["Payload"].read())
        assert exact()
        await watcher.until(lambda view: view.epoch not in {None, before})
        counted = {each: n for each, n in state.view("nairobi", 7).cells.items() if n}
        await watcher.until(lambda view: view.cells == counted)
