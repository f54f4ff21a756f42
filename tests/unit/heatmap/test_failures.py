"""What the failure queue holds: what Lambda writes is read, what we write is of the same form."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import NOW
from heatmap.errors import PoisonRecord
from heatmap.failures import MAX_DATA_CHARACTERS, Failure, Place, decode, encode, poison
from junk import DEPTHS, TEXT, VALUES, nested, spoiled, written

PLACE = Place("shardId-000000000000", "10", "12", 3, "arn:aws:kinesis:us-east-1:000000000000:stream/pings")

# https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
OF_LAMBDA = {
    "requestContext": {
        "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
        "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:myfunction",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 1,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "version": "1.0",
    "timestamp": "2019-11-14T00:38:06.021Z",
    "KinesisBatchInfo": {
        "shardId": "shardId-000000000001",
        "startSequenceNumber": "49601189658422359378836298521827638475320189012309704722",
        "endSequenceNumber": "49601189658422359378836298522902373528957594348623495186",
        "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
        "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
        "batchSize": 500,
        "streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/mystream",
    },
}


def test_what_lambda_gave_up_is_read():
    failure = decode(json.dumps(OF_LAMBDA))

    assert ("mystream", "shardId-000000000001", 500) == (
        failure.place.stream,
        failure.place.shard_id,
        failure.place.batch_size,
    )
    assert ("RetryAttemptsExhausted", "", "2019-11-14T00:38:06.021Z") == (failure.why, failure.data, failure.timestamp)


def test_what_we_hand_over_comes_back_as_it_was():
    failure = poison(PLACE, base64.b64encode(b"junk").decode(), "it is junk", NOW)

    assert failure == decode(encode(failure))
    assert ("it is junk", "2023-11-14T22:13:20.000Z") == (failure.why, failure.timestamp)
    assert OF_LAMBDA["KinesisBatchInfo"].keys() == json.loads(encode(failure))["KinesisBatchInfo"].keys()  # type: ignore[attr-defined]


def test_data_too_long_for_the_queue_is_left_to_the_stream():
    assert "" == poison(PLACE, "A" * (MAX_DATA_CHARACTERS + 4), "long", NOW).data
    assert "A" * MAX_DATA_CHARACTERS == poison(PLACE, "A" * MAX_DATA_CHARACTERS, "long", NOW).data


def test_without_a_reason_there_is_at_least_a_word():
    assert "unknown" == Failure("2026-01-31T12:00:00Z", PLACE).why


def with_place(**fields: object) -> str:
    return json.dumps({**OF_LAMBDA, "KinesisBatchInfo": {**OF_LAMBDA["KinesisBatchInfo"], **fields}})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "{}",
        '{"timestamp": "x"}',
        '{"data": "ü"}',
        json.dumps({**OF_LAMBDA, "data": "not base64!"}),
        json.dumps({**OF_LAMBDA, "data": "ü"}),
        '{"x": ' + "[" * 100_000,
    ],
    ids=["nothing", "null", "empty", "little", "other", "no base64", "no ASCII", "deep"],
)
def test_anything_else_is_no_failure(body: str):
    with pytest.raises(PoisonRecord, match="message: expected a failed batch"):
        decode(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"startSequenceNumber": "abc"},
        {"endSequenceNumber": "abc"},
        {"endSequenceNumber": ""},
        {"endSequenceNumber": "-1"},
        {"endSequenceNumber": "12\n"},
        {"endSequenceNumber": "9" * 5000},
        {"batchSize": 0},
        {"shardId": ""},
        {"streamArn": ""},
        {"streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/"},
    ],
    ids=str,
)
def test_a_place_that_no_stream_has_is_no_failure(fields: dict[str, object]):
    assert decode(with_place())
    with pytest.raises(PoisonRecord, match="message: expected a failed batch"):
        decode(with_place(**fields))


@given(st.binary(max_size=60), st.text(max_size=60), st.integers(0, 4_000_000_000_000))
def test_what_is_handed_over_is_read_again(data: bytes, reason: str, now: int):
    failure = poison(PLACE, base64.b64encode(data).decode(), reason, now)

    assert failure == decode(encode(failure))


@given(TEXT | written(VALUES | spoiled(OF_LAMBDA, json.loads(encode(poison(PLACE, "AAAA", "why", NOW))))))
def test_whatever_comes_is_a_failure_that_can_be_redriven_or_refused(body: str):
    with suppress(PoisonRecord):
        failure = decode(body)

        place = failure.place
        assert place.stream
        assert int(place.start_sequence_number) + int(place.end_sequence_number) >= 0
        assert base64.b64decode(failure.data) is not None
        assert failure.why


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_failure_of_any_depth_is_refused(depth: int):
    with pytest.raises(PoisonRecord):
        decode(f'{{"requestContext": {nested(depth)}}}')
