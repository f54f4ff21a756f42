"""The aggregator's handler where a record cannot be read, or the state does not answer."""

import pytest
import redis

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from aggregate import app
from factories import LambdaContext, a_kinesis_event, a_ping, a_record
from heatmap.errors import Unavailable


@pytest.fixture(autouse=True)
def parts(state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "state", lambda: state)
    monkeypatch.setattr(app, "checkpoints", lambda: Checkpoints(client))


def live(state: LiveState) -> int:
    return state.check(["lagos"])["lagos"].stamp.live


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_record_that_cannot_be_read_is_reported_and_the_others_are_counted(state: LiveState, place: int):
    records = [a_record(a_ping(f"driver-{n}")) for n in range(2)]
    records.insert(place, b"junk")

    answer = app.lambda_handler(a_kinesis_event(*records), LambdaContext())

    assert {"batchItemFailures": [{"itemIdentifier": str(place + 1)}]} == answer
    assert 2 == live(state)


def test_a_batch_without_a_readable_record_is_reported_whole(state: LiveState):
    answer = app.lambda_handler(a_kinesis_event(b"junk", b""), LambdaContext())

    assert ["1", "2"] == [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_what_cannot_be_read_does_not_count_as_waiting(client: redis.Redis):
    app.lambda_handler(a_kinesis_event(a_record(a_ping()), b"junk"), LambdaContext())

    assert {"shardId-000000000000": "2"} == Checkpoints(client).of("pings")


def test_when_the_state_does_not_answer_the_whole_batch_comes_again(monkeypatch: pytest.MonkeyPatch):
    nowhere = redis.Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr(app, "state", lambda: LiveState(nowhere, (5, 6, 7)))

    with pytest.raises(Unavailable):
        app.lambda_handler(a_kinesis_event(a_record(a_ping())), LambdaContext())


def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(state: LiveState, client: redis.Redis):
    client.script_flush()

    app.lambda_handler(a_kinesis_event(a_record(a_ping())), LambdaContext())

    assert 1 == live(state)
