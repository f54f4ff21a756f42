"""Redriving: the aggregator's handler on a server, the queue and the stream in memory."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import redis
from botocore.exceptions import ClientError
from moto import mock_aws

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.queues import Queue
from aggregate import app
from factories import NOW, LambdaContext, a_kinesis_event, a_ping, a_record
from fakes.lambdas import FakeLambdas
from fleetglow.errors import FleetglowError
from fleetglow.failure_queue import FailureQueue
from fleetglow.operated import Operated
from fleetglow.redrive import Fate, Redriven, Redriver
from heatmap.errors import Unavailable
from heatmap.failures import Failure, Place, Request, encode

STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/pings"
SHARD = "shardId-000000000000"


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def lambdas() -> FakeLambdas:
    return FakeLambdas(app.lambda_handler)


@pytest.fixture
def stack(
    aws: None, state: LiveState, client: redis.Redis, lambdas: FakeLambdas, monkeypatch: pytest.MonkeyPatch
) -> Operated:
    """An aggregator that is behind a stream and before a failure queue."""
    url = boto3.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    boto3.client("kinesis").create_stream(StreamName="pings", ShardCount=1)
    monkeypatch.setattr(app, "state", lambda: state)
    monkeypatch.setattr(app, "checkpoints", lambda: Checkpoints(client))
    monkeypatch.setattr(app, "failures", lambda: Queue.at(url))
    outputs = {"FailureQueueUrl": url, "AggregateFunctionName": "aggregate", "PingStreamName": "pings"}
    return Operated(outputs, lambda service: lambdas if service == "lambda" else boto3.client(service))  # type: ignore[call-overload]


@pytest.fixture
def give_up(stack: Operated) -> Callable[[Failure], None]:
    """Puts a failure into the queue as Lambda does."""
    return lambda failure: Queue.at(stack.outputs["FailureQueueUrl"]).send([encode(failure)])


def in_stream(*records: bytes) -> list[str]:
    """Their sequence numbers, once they are there."""
    kinesis = boto3.client("kinesis")
    return [kinesis.put_record(StreamName="pings", Data=data, PartitionKey="x")["SequenceNumber"] for data in records]


def a_failure(first: str, last: str, size: int, data: bytes = b"") -> Failure:
    place = Place(SHARD, first, last, size, STREAM_ARN)
    return Failure("2026-01-31T12:00:00Z", place, Request("RecordAgeExceeded"), data=base64.b64encode(data).decode())


def redrive(stack: Operated, *, is_dry: bool = False, is_discarding: bool = False) -> tuple[list[Redriven], Redriver]:
    with FailureQueue.of(stack, 30) as queue:
        redriver = Redriver.of(stack, queue, is_dry=is_dry, is_discarding=is_discarding)
        return list(redriver.run()), redriver


def depth(stack: Operated) -> int:
    return Queue.at(stack.outputs["FailureQueueUrl"]).depth()


def live(state: LiveState) -> int:
    return state.check(["lagos"])["lagos"].stamp.live


def test_a_range_that_was_given_up_is_applied_from_the_stream_record_by_record(
    stack: Operated, state: LiveState, give_up: Callable[[Failure], None]
):
    before, first, last, after = in_stream(*(a_record(a_ping(f"driver-{n}")) for n in range(4)))
    give_up(a_failure(first, last, 2))

    redriven, redriver = redrive(stack)

    assert [(first, Fate.APPLIED), (last, Fate.APPLIED)] == [(each.sequence_number, each.fate) for each in redriven]
    assert {"redriven": 1, "discarded": 0, "left": 0} == redriver.report.figures()["messages"]
    assert (2, 0) == (live(state), depth(stack))
    assert before < first < last < after


def test_each_record_is_told_what_became_of_it(stack: Operated, give_up: Callable[[Failure], None]):
    app.lambda_handler(a_kinesis_event(a_record(a_ping("known", NOW)), b"junk"), LambdaContext())
    numbers = in_stream(
        a_record(a_ping("known", NOW), a_ping("new", NOW)),
        a_record(a_ping("known", NOW - 1)),
        a_record(a_ping("known", NOW)),
    )
    give_up(a_failure(numbers[0], numbers[2], 5))

    redriven, redriver = redrive(stack)

    assert [Fate.POISON, Fate.APPLIED, Fate.LATE, Fate.DUPLICATE, Fate.EXPIRED] == [each.fate for each in redriven]
    assert {"applied": 1, "implausible": 0, "late": 0, "duplicate": 1} == redriven[1].pings
    assert redriven[0].reason.startswith("record: expected pings")
    assert (2, numbers[0], numbers[2]) == (redriven[4].records, redriven[4].sequence_number, redriven[4].last)
    figures = redriver.report.figures()
    assert {"poison": 1, "applied": 1, "late": 1, "duplicate": 1, "expired": 2} == figures["outcomes"]
    assert {"applied": 1, "implausible": 0, "late": 1, "duplicate": 2} == figures["pings"]
    assert {"redriven": 0, "discarded": 0, "left": 2} == figures["messages"]
    assert 2 == depth(stack)


def test_redriving_twice_is_as_once(stack: Operated, state: LiveState, give_up: Callable[[Failure], None]):
    data = a_record(a_ping())
    for _ in range(2):
        give_up(a_failure("1", "1", 1, data))

    redriven, _ = redrive(stack)

    assert {Fate.APPLIED, Fate.DUPLICATE} == {each.fate for each in redriven}
    assert (1, 0) == (live(state), depth(stack))


def test_what_can_never_be_applied_is_deleted_only_on_demand(stack: Operated, give_up: Callable[[Failure], None]):
    give_up(a_failure("1", "1", 1, b"junk"))
    give_up(a_failure("2", "2", 1))
    Queue.at(stack.outputs["FailureQueueUrl"]).send(["not a failure"])

    _, kept = redrive(stack)
    assert (3, 3) == (kept.report.left, depth(stack))

    _, discarding = redrive(stack, is_discarding=True)
    assert (3, 0) == (discarding.report.discarded, depth(stack))
    assert 1 == len(discarding.report.unreadable)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"data":""', '"data":"ü"'.encode()), (b'"endSequenceNumber":"7"', b'"endSequenceNumber":"abc"')]
)
def test_an_odd_message_is_told_and_the_others_are_applied(
    stack: Operated, state: LiveState, give_up: Callable[[Failure], None], old: bytes, new: bytes
):
    body = encode(a_failure("7", "7", 1)).encode()
    odd = body.replace(old, new)
    assert body != odd
    Queue.at(stack.outputs["FailureQueueUrl"]).send([odd.decode()])
    give_up(a_failure("1", "1", 1, a_record(a_ping())))

    _, redriver = redrive(stack)

    assert (1, 1, 1) == (redriver.report.redriven, redriver.report.left, len(redriver.report.unreadable))
    assert (1, 1) == (live(state), depth(stack))


def test_a_dry_run_changes_nothing(
    stack: Operated, lambdas: FakeLambdas, client: redis.Redis, give_up: Callable[[Failure], None]
):
    give_up(a_failure("1", "1", 1, a_record(a_ping("a"), a_ping("b"))))
    give_up(a_failure("2", "2", 1, b"junk"))

    redriven, _ = redrive(stack, is_dry=True, is_discarding=True)

    assert {(Fate.READABLE, 2), (Fate.POISON, 0)} == {(each.fate, sum(each.pings.values())) for each in redriven}
    assert (0, 2) == (lambdas.invoked, depth(stack))
    assert [] == client.keys()


def test_stopped_after_its_first_record_and_run_again_nothing_is_lost(
    stack: Operated, state: LiveState, give_up: Callable[[Failure], None]
):
    numbers = in_stream(*(a_record(a_ping(f"driver-{n}")) for n in range(3)))
    give_up(a_failure(numbers[0], numbers[2], 3))

    with FailureQueue.of(stack, 30) as queue:
        next(Redriver.of(stack, queue, is_dry=False, is_discarding=False).run())
    assert (1, 1) == (live(state), depth(stack))

    redriven, _ = redrive(stack)
    assert [Fate.DUPLICATE, Fate.APPLIED, Fate.APPLIED] == [each.fate for each in redriven]
    assert (3, 0) == (live(state), depth(stack))


def test_while_the_state_does_not_answer_it_ends_with_the_reason_and_the_message_stays(
    stack: Operated, lambdas: FakeLambdas, give_up: Callable[[Failure], None], monkeypatch: pytest.MonkeyPatch
):
    def silent(*_: Any) -> LiveState:
        raise Unavailable("the live state did not answer: it is away")

    monkeypatch.setattr(app, "state", silent)
    for n in range(2):
        give_up(a_failure(str(n), str(n), 1, a_record(a_ping())))

    with pytest.raises(FleetglowError, match="at present: the live state did not answer: it is away"):
        redrive(stack)

    assert (1, 2) == (lambdas.invoked, depth(stack))


def test_an_aggregator_that_may_not_be_invoked_is_one_clear_line(stack: Operated, give_up: Callable[[Failure], None]):
    class Refusing:
        def invoke(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "Invoke")

    give_up(a_failure("1", "1", 1, a_record(a_ping())))

    with pytest.raises(FleetglowError, match=r"^the aggregator aggregate cannot be invoked: .*not you"):
        redrive(Operated(stack.outputs, lambda service: Refusing() if service == "lambda" else stack.client(service)))

    assert 1 == depth(stack)


def test_what_the_aggregator_hands_over_is_what_lambda_does_with_more(stack: Operated):
    app.lambda_handler(a_kinesis_event(b"junk"), LambdaContext())

    [message] = boto3.client("sqs").receive_message(QueueUrl=stack.outputs["FailureQueueUrl"])["Messages"]

    body = json.loads(message["Body"])
    assert {"version", "timestamp", "requestContext", "KinesisBatchInfo", "reason", "data"} == body.keys()
    assert "PoisonRecord" == body["requestContext"]["condition"]
    assert {
        "shardId",
        "startSequenceNumber",
        "endSequenceNumber",
        "batchSize",
        "streamArn",
        "approximateArrivalOfFirstRecord",
        "approximateArrivalOfLastRecord",
    } == body["KinesisBatchInfo"].keys()
