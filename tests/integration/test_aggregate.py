"""The aggregator's handler where a record cannot be read or applied, or a part does not answer."""

import base64
from collections import Counter

import pytest
import redis

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from aggregate import app
from aggregate.aggregator import Aggregator
from factories import NOW, LambdaContext, a_kinesis_event, a_ping, a_record
from fakes.queue import FakeQueue
from heatmap.errors import Refused, Unavailable
from heatmap.failures import MAX_DATA_CHARACTERS, Failure, decode
from heatmap.state import Applied


@pytest.fixture
def failures() -> FakeQueue:
    return FakeQueue()


@pytest.fixture(autouse=True)
def parts(state: LiveState, client: redis.Redis, failures: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "state", lambda: state)
    monkeypatch.setattr(app, "checkpoints", lambda: Checkpoints(client))
    monkeypatch.setattr(app, "failures", lambda: failures)


def live(state: LiveState) -> int:
    return state.check(["lagos"])["lagos"].stamp.live


def failed(failures: FakeQueue) -> list[Failure]:
    return [decode(body) for body in failures.bodies]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_record_that_cannot_be_read_is_handed_over_and_the_others_are_counted(
    state: LiveState, failures: FakeQueue, place: int
):
    records = [a_record(a_ping(f"driver-{n}")) for n in range(2)]
    records.insert(place, b"junk")

    answer = app.lambda_handler(a_kinesis_event(*records), LambdaContext())

    assert (2, [str(place + 1)]) == (answer["applied"], [each["sequence_number"] for each in answer["poison"]])
    assert 2 == live(state)
    [failure] = failed(failures)
    assert ("shardId-000000000000", str(place + 1), str(place + 1), "pings") == (
        failure.place.shard_id,
        failure.place.start_sequence_number,
        failure.place.end_sequence_number,
        failure.place.stream,
    )
    assert b"junk" == base64.b64decode(failure.data)
    assert failure.why.startswith("record: expected pings as packed JSON, version 1: ")


def test_what_became_of_the_pings_is_told():
    event = a_kinesis_event(a_record(a_ping("a", NOW), a_ping("a", NOW - 1), a_ping("b", NOW)))

    first, again = (app.lambda_handler(event, LambdaContext()) for _ in range(2))

    assert {"applied": 2, "late": 1, "duplicate": 0, "implausible": 0, "poison": []} == first
    assert {"applied": 0, "late": 1, "duplicate": 2, "implausible": 0, "poison": []} == again


def test_every_ping_that_was_read_is_counted_once(monkeypatch: pytest.MonkeyPatch):
    counted: Counter[str] = Counter()
    monkeypatch.setattr("aggregate.aggregator.count", lambda name, value=1: counted.update({name.value: value}))
    far = (6.70, 3.60)
    pings = [a_ping("a"), a_ping("a", NOW - 1), a_ping("b"), a_ping("b"), a_ping("a", NOW + 1_000, far)]

    app.lambda_handler(a_kinesis_event(a_record(*pings), b"junk"), LambdaContext())

    assert {
        "pings_applied": 2,
        "pings_late": 1,
        "pings_duplicate": 1,
        "pings_implausible": 1,
        "records_poisoned": 1,
    } == counted


def test_a_record_that_is_too_long_for_the_queue_is_named_without_its_data(failures: FakeQueue):
    app.lambda_handler(a_kinesis_event(b"x" * MAX_DATA_CHARACTERS), LambdaContext())

    [failure] = failed(failures)
    assert ("", "1") == (failure.data, failure.place.start_sequence_number)


def test_what_is_redriven_and_fails_again_is_not_handed_over_again(client: redis.Redis, failures: FakeQueue):
    answer = app.lambda_handler({**a_kinesis_event(b"junk", first=7), "redrive": True}, LambdaContext())

    assert ["7"] == [each["sequence_number"] for each in answer["poison"]]
    assert [] == failures.bodies
    assert {} == Checkpoints(client).of("pings")


def test_what_is_redriven_is_neither_late_nor_new_poison(monkeypatch: pytest.MonkeyPatch):
    counted: Counter[str] = Counter()
    measured: list[str] = []
    monkeypatch.setattr("aggregate.aggregator.count", lambda name, value=1: counted.update({name.value: value}))
    monkeypatch.setattr("aggregate.aggregator.milliseconds", lambda name, value: measured.append(name.value))
    event = a_kinesis_event(a_record(a_ping()), b"junk")

    app.lambda_handler({**event, "redrive": True}, LambdaContext())

    assert (1, 0, []) == (counted["pings_applied"], counted["records_poisoned"], measured)

    app.lambda_handler(event, LambdaContext())

    assert (1, ["apply_lag"]) == (counted["records_poisoned"], measured)


def test_what_is_redriven_of_a_range_and_cannot_be_read_is_handed_over_and_counted(
    failures: FakeQueue, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    counted: Counter[str] = Counter()
    monkeypatch.setattr("aggregate.aggregator.count", lambda name, value=1: counted.update({name.value: value}))
    event = {**a_kinesis_event(b"junk", first=7), "redrive": True, "hand_over": True}

    answer = app.lambda_handler(event, LambdaContext())

    assert [("7", True)] == [(each["sequence_number"], each["is_handed_over"]) for each in answer["poison"]]
    assert ["7"] == [each.place.start_sequence_number for each in failed(failures)]
    assert 1 == counted["records_poisoned"]
    assert {} == Checkpoints(client).of("pings")


def test_when_the_failure_queue_does_not_answer_the_whole_batch_comes_again(
    state: LiveState, client: redis.Redis, failures: FakeQueue
):
    failures.is_down = True

    with pytest.raises(Unavailable):
        app.lambda_handler(a_kinesis_event(a_record(a_ping()), b"junk"), LambdaContext())

    assert 1 == live(state)
    assert {} == Checkpoints(client).of("pings")


def test_what_cannot_be_read_is_handed_over_once_however_long_the_cache_is_away(
    monkeypatch: pytest.MonkeyPatch, failures: FakeQueue
):
    nowhere = redis.Redis(port=1, socket_connect_timeout=0.1)
    counted: Counter[str] = Counter()
    monkeypatch.setattr(app, "checkpoints", lambda: Checkpoints(nowhere))
    monkeypatch.setattr(app, "count", lambda name: counted.update({name.value: 1}))

    answer = app.lambda_handler(a_kinesis_event(b"junk"), LambdaContext())

    assert ["1"] == [each["sequence_number"] for each in answer["poison"]]
    assert 1 == len(failures.bodies)
    assert {"unavailable": 1} == counted


def test_what_cannot_be_read_does_not_count_as_waiting(client: redis.Redis):
    app.lambda_handler(a_kinesis_event(a_record(a_ping()), b"junk"), LambdaContext())

    assert {"shardId-000000000000": "2"} == Checkpoints(client).of("pings")


@pytest.mark.parametrize(
    ("first", "then"), [("9", "10"), ("49590338271490256608559692538361571095921575989136588898", "5")]
)
def test_a_batch_that_comes_again_does_not_lead_back(client: redis.Redis, first: str, then: str):
    checkpoints = Checkpoints(client)
    for number in (first, then, first):
        checkpoints.note("pings", "shard", number)

    assert {"shard": max(first, then, key=int)} == checkpoints.of("pings")


def test_when_the_state_does_not_answer_the_whole_batch_comes_again(
    monkeypatch: pytest.MonkeyPatch, failures: FakeQueue
):
    nowhere = redis.Redis(port=1, socket_connect_timeout=0.1)
    monkeypatch.setattr(app, "state", lambda: LiveState(nowhere, (5, 6, 7)))

    with pytest.raises(Unavailable):
        app.lambda_handler(a_kinesis_event(a_record(a_ping()), b"junk"), LambdaContext())

    assert [] == failures.bodies


def test_when_the_states_memory_is_full_the_whole_batch_comes_again(
    state: LiveState, client: redis.Redis, failures: FakeQueue
):
    client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Unavailable) as raised:
            app.lambda_handler(a_kinesis_event(a_record(a_ping())), LambdaContext())
    finally:
        client.config_set("maxmemory", "0")

    assert not isinstance(raised.value, Refused)
    assert [] == failures.bodies
    app.lambda_handler(a_kinesis_event(a_record(a_ping())), LambdaContext())
    assert 1 == live(state)


class Choosy:
    """A live state whose scripts fail on one driver's pings."""

    def __init__(self, refused: str) -> None:
        self._refused = refused
        self.live: list[str | bytes] = []

    def apply(self, cities: dict[str, list[str | bytes]], received_at: int, jump_speed: object) -> Applied:
        drivers = [driver for flat in cities.values() for driver in flat[::2]]
        if self._refused in drivers:
            raise Refused("the live state refused a script: user_script:12: no such thing")
        self.live += drivers
        return Applied(applied=len(drivers))


@pytest.mark.parametrize("place", range(5))
def test_a_record_on_which_the_scripts_fail_fails_alone(failures: FakeQueue, place: int):
    choosy = Choosy(f"driver-{place}")
    event = a_kinesis_event(*(a_record(a_ping(f"driver-{n}")) for n in range(5)))

    answer = Aggregator(choosy, lambda: failures, lambda: NOW, lambda city: 0).apply(event["Records"])  # type: ignore[arg-type]

    assert 4 == answer["applied"] == len(choosy.live)
    assert [str(place + 1)] == [each.place.start_sequence_number for each in failed(failures)]
    assert failed(failures)[0].why.startswith("the live state refused a script")


def test_a_script_that_fails_is_told_from_one_that_may_not_write_now(client: redis.Redis, state: LiveState):
    # A register without digits makes the script compare what cannot be compared.
    with pytest.raises(Refused):
        state.apply({"lagos": [b"driver-1"]}, NOW)


def test_a_server_that_has_forgotten_the_scripts_is_told_them_again(state: LiveState, client: redis.Redis):
    client.script_flush()

    app.lambda_handler(a_kinesis_event(a_record(a_ping())), LambdaContext())

    assert 1 == live(state)
