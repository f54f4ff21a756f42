"""Redriving: the aggregator's handler on a server, the queue and the stream in memory."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
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
from fakes.clock import FakeClock
from fakes.lambdas import FakeLambdas
from fleetglow.applier import Applier
from fleetglow.errors import FleetglowError
from fleetglow.failure_queue import FailureQueue
from fleetglow.operated import Operated
from fleetglow.redrive import Fate, Redriven, Redriver
from heatmap.errors import Unavailable
from heatmap.failures import MAX_DATA_CHARACTERS, POISON, Failure, Place, Request, decode, encode

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
    """A range that Lambda has given up, or a record that the aggregator has handed over with its data."""
    place = Place(SHARD, first, last, size, STREAM_ARN)
    condition = POISON if data else "RecordAgeExceeded"
    return Failure("2026-01-31T12:00:00Z", place, Request(condition), data=base64.b64encode(data).decode())


def redrive(stack: Operated, *, is_dry: bool = False, is_discarding: bool = False) -> tuple[list[Redriven], Redriver]:
    """What a run tells, without waiting between its attempts."""
    clock = FakeClock(0)
    with FailureQueue.of(stack, 30, wait_s=0) as queue:
        redriver = Redriver.of(stack, queue, is_dry=is_dry, is_discarding=is_discarding)
        redriver.applier = Applier(
            stack.client("lambda"), "aggregate", lambda: clock() / 1000, lambda _: clock.sleep(1000)
        )
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
    [number] = in_stream(a_record(a_ping()))
    for _ in range(2):
        give_up(a_failure(number, number, 1))

    redriven, _ = redrive(stack)

    assert {Fate.APPLIED, Fate.DUPLICATE} == {each.fate for each in redriven}
    assert (1, 0) == (live(state), depth(stack))


def in_queue(stack: Operated) -> list[Failure]:
    with FailureQueue.of(stack, 30, wait_s=0) as queue:
        return [decode(body) for _, body in queue.messages()]


def test_what_of_a_range_cannot_be_read_is_kept_by_itself_with_its_data_and_counted(
    stack: Operated, state: LiveState, give_up: Callable[[Failure], None], monkeypatch: pytest.MonkeyPatch
):
    counted: Counter[str] = Counter()
    monkeypatch.setattr("aggregate.aggregator.count", lambda name, value=1: counted.update({name.value: value}))
    first, junk, last = in_stream(a_record(a_ping("a")), b"junk", a_record(a_ping("b")))
    give_up(a_failure(first, last, 3))

    redriven, redriver = redrive(stack)

    assert [Fate.APPLIED, Fate.SET_ASIDE, Fate.APPLIED] == [each.fate for each in redriven]
    assert {"redriven": 1, "discarded": 0, "left": 1} == redriver.report.figures()["messages"]
    [kept] = in_queue(stack)
    assert (junk, b"junk", POISON) == (
        kept.place.start_sequence_number,
        base64.b64decode(kept.data),
        kept.request.condition,
    )
    assert (2, 1) == (live(state), counted["records_poisoned"])

    again, _ = redrive(stack)

    assert [(junk, Fate.POISON)] == [(each.sequence_number, each.fate) for each in again]
    assert ([kept], 1) == (in_queue(stack), counted["records_poisoned"])


def test_what_is_too_long_for_the_queue_is_not_kept_by_itself_again_and_again(stack: Operated):
    [number] = in_stream(b"x" * MAX_DATA_CHARACTERS)
    app.lambda_handler(a_kinesis_event(b"x" * MAX_DATA_CHARACTERS, first=int(number)), LambdaContext())

    redriven, _ = redrive(stack)

    assert [Fate.POISON] == [each.fate for each in redriven]
    assert ["", number] == [in_queue(stack)[0].data, in_queue(stack)[0].place.start_sequence_number]
    assert 1 == depth(stack)


def test_a_range_that_stays_has_its_poison_kept_once_however_often_it_is_redriven(
    stack: Operated, give_up: Callable[[Failure], None]
):
    first, last = in_stream(b"junk", a_record(a_ping("a")))
    # One more than the stream has.
    give_up(a_failure(first, last, 3))

    for _ in range(3):
        redrive(stack)
        redrive(stack, is_dry=True)

    assert [POISON, "RecordAgeExceeded"] == sorted(each.request.condition for each in in_queue(stack))
    redrive(stack, is_discarding=True)
    assert 0 == depth(stack)


def test_what_was_set_aside_is_left_also_if_the_queue_does_not_show_it_yet(
    stack: Operated, give_up: Callable[[Failure], None]
):
    [number] = in_stream(b"junk")
    give_up(a_failure(number, number, 1))

    with FailureQueue.of(stack, 30, wait_s=0) as queue:
        first = next(queue.messages())

        class Slow:
            delete = queue.delete

            def messages(self) -> list[tuple[str, str]]:
                return [first]

        redriver = Redriver.of(stack, Slow(), is_dry=False, is_discarding=False)  # type: ignore[arg-type]
        assert [Fate.SET_ASIDE] == [each.fate for each in redriver.run()]

    assert (1, 1) == (redriver.report.redriven, redriver.report.left)


def test_a_record_on_which_a_working_aggregator_fails_does_not_keep_the_others_back(
    stack: Operated,
    state: LiveState,
    give_up: Callable[[Failure], None],
    monkeypatch: pytest.MonkeyPatch,
):
    bad, good = a_record(a_ping("bad")), a_record(a_ping("good"))

    def stumble(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if any(base64.b64decode(each["kinesis"]["data"]) == bad for each in event["Records"]):
            raise ValueError("stumbled")
        return app.lambda_handler(event, context)

    lambdas = FakeLambdas(stumble)
    for n, data in enumerate((bad, good)):
        give_up(a_failure(str(n), str(n), 1, data))

    redriven, redriver = redrive(
        Operated(stack.outputs, lambda each: lambdas if each == "lambda" else stack.client(each))
    )

    assert {Fate.FAILED, Fate.APPLIED} == {each.fate for each in redriven}
    assert (1, 1, 1) == (live(state), depth(stack), redriver.report.left)


def test_code_that_cannot_be_loaded_ends_it_at_the_first_record(
    stack: Operated, lambdas: FakeLambdas, give_up: Callable[[Failure], None]
):
    class Broken:
        def invoke(self, **arguments: Any) -> dict[str, Any]:
            error = {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'adapters.gone'"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": BytesIO(json.dumps(error).encode())}

    give_up(a_failure("1", "1", 1, a_record(a_ping())))
    broken = Operated(stack.outputs, lambda service: Broken() if service == "lambda" else stack.client(service))

    with pytest.raises(FleetglowError, match=r"^aggregate is broken, .*: Runtime.ImportModuleError: No module named"):
        redrive(broken)

    assert 1 == depth(stack)


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

    redriven, redriver = redrive(stack, is_dry=True, is_discarding=True)

    assert {(Fate.READABLE, 2), (Fate.POISON, 0)} == {(each.fate, sum(each.pings.values())) for each in redriven}
    assert (0, 2) == (lambdas.invoked, depth(stack))
    assert [] == client.keys()
    figures = redriver.report.figures()
    assert (True, {"redriven": 1, "discarded": 1, "left": 0}) == (figures["dry_run"], figures["messages"])


def test_stopped_after_its_first_record_and_run_again_nothing_is_lost(
    stack: Operated, state: LiveState, give_up: Callable[[Failure], None]
):
    numbers = in_stream(*(a_record(a_ping(f"driver-{n}")) for n in range(3)))
    give_up(a_failure(numbers[0], numbers[2], 3))

    with FailureQueue.of(stack, 30, wait_s=0) as queue:
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

    # The first record was tried for half a minute, the second not at all.
    assert (32, 2) == (lambdas.invoked, depth(stack))


def test_a_range_outlasts_a_state_that_answers_every_other_time(
    stack: Operated,
    state: LiveState,
    lambdas: FakeLambdas,
    give_up: Callable[[Failure], None],
    monkeypatch: pytest.MonkeyPatch,
):
    def now_and_then() -> LiveState:
        if lambdas.invoked % 2:
            raise Unavailable("the live state did not answer: it is away")
        return state

    monkeypatch.setattr(app, "state", now_and_then)
    numbers = in_stream(*(a_record(a_ping(f"driver-{n}")) for n in range(10)))
    give_up(a_failure(numbers[0], numbers[-1], 10))

    redriven, _ = redrive(stack)

    assert [Fate.APPLIED] * 10 == [each.fate for each in redriven]
    assert (10, 0) == (live(state), depth(stack))


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
