"""An `aggregate` that is deployed broken: nothing is lost, and once good code is back every ping comes home."""

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from e2e.failure_path import FOR_EVER, Aggregator, FailurePath, printed
from e2e.support import Api, is_live, until
from factories import a_ping, a_record
from fleetglow.deployment import Deployment
from fleetglow.errors import INTERRUPTED

# A region in the sea, in which no other test counts drivers.
PLACE = (-30.5, -20.5)
CITY = a_ping(position=PLACE).city
AT_IMPORT = 'raise RuntimeError("broken at import")\n'
ON_EVERY_RECORD = 'def lambda_handler(event, context):\n    raise RuntimeError("broken on every record")\n'
# A line of `fleetglow redrive` about one record.
TOLD = re.compile(r"\S+ (?P<number>\d+): (?P<fate>[a-z ]+)")
RECORDS = 30
PINGS = 2


@pytest.fixture
def aggregator(stack: Deployment) -> Iterator[Aggregator]:
    aggregator = Aggregator(stack)
    yield aggregator
    aggregator.roll_back()


@pytest.fixture
def impatient(stack: Deployment, path: FailurePath, aggregator: Aggregator) -> Iterator[Aggregator]:
    """The stream gives up after the second attempt, and not after hours; what it holds is delivered before."""

    checkpoints = Checkpoints(redis.Redis.from_url(stack.redis_url))

    def try_again(times: int) -> None:
        aggregator.try_again(times)
        shard_id, number = path.write(a_record(a_ping("marker", in_two_minutes(), PLACE)))
        until(lambda: int(checkpoints.of(path.stream).get(shard_id, "0")) >= int(number))

    try_again(1)
    # With what the stream holds came what nobody could read in other tests.
    path.purge()
    yield aggregator
    aggregator.roll_back()
    try_again(FOR_EVER)


def in_two_minutes() -> int:
    """For drivers whose clocks are fast, so that they do not fall silent while commands start; UTC milliseconds."""
    return time.time_ns() // 1_000_000 + 120_000


def some_records(name: str) -> list[bytes]:
    """Each with the pings of drivers of its own, spread over cells."""
    at = in_two_minutes()
    return [
        a_record(
            *(
                a_ping(f"{name}-{n}-{k}", at, (PLACE[0] + 0.002 * n, PLACE[1] + 0.002 * k), received_at=at - 120_000)
                for k in range(PINGS)
            )
        )
        for n in range(RECORDS)
    ]


def interrupted() -> dict[str, str]:
    """Redrive, with Ctrl-C after the first record; what is told to have become of each, by its sequence number."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fleetglow", "redrive"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    with process.stdout as told:
        lines = [told.readline()]
        process.send_signal(signal.SIGINT)
        lines += told.readlines()
    assert INTERRUPTED == process.wait(timeout=30)
    told_of = [TOLD.match(line) for line in lines]
    assert all(told_of), lines
    return {each["number"]: each["fate"].replace(" ", "_") for each in told_of if each}


def test_redrive_brings_every_ping_home_that_broken_deployments_gave_up(
    stack: Deployment,
    state: LiveState,
    api: Api,
    path: FailurePath,
    impatient: Aggregator,
    exact: Callable[[], bool],
    failures: Callable[[], list[Any]],
):
    client = redis.Redis.from_url(stack.redis_url)
    before = state.check([CITY])[CITY].stamp.live
    given_up = 0
    for name, handler in (("import", AT_IMPORT), ("record", ON_EVERY_RECORD)):
        impatient.deploy(handler)
        path.write_all([*some_records(name), b"\x00 not one of ours"])
        given_up += RECORDS + 1
        until(lambda so_far=given_up: so_far == sum(each["KinesisBatchInfo"]["batchSize"] for each in failures()))
    assert before == state.check([CITY])[CITY].stamp.live
    assert "degraded" == until(lambda: (health := api.get("/health"))["failures"]["depth"] and health["status"])
    ranges = [each["KinesisBatchInfo"] for each in failures()]

    impatient.roll_back()
    first = interrupted()
    # What nobody can read is left.
    redriven = printed("redrive", status=1)
    second = {each["sequence_number"]: each["fate"] for each in redriven["records"]}

    # Record by record, in one of the two runs or in both: how many of them a message names is not up to us.
    assert len(first) < given_up
    fates = Counter((first | second).values())
    assert given_up == fates.total()
    assert 2 == fates["set_aside"] + fates["poison"] == redriven["messages"]["left"]
    assert 2 * RECORDS == fates["applied"] + fates["duplicate"]
    assert {"duplicate"} >= {second[number] for number in first.keys() & second if first[number] == "applied"}
    assert before + 2 * RECORDS * PINGS == state.check([CITY])[CITY].stamp.live
    assert exact()
    # What nobody has ever been able to read is in the queue by itself, as it came.
    left = {
        (each["requestContext"]["condition"], each["KinesisBatchInfo"]["startSequenceNumber"]) for each in failures()
    }
    assert ["PoisonRecord"] * 2 == [condition for condition, _ in left]
    assert {"poison": 2} == printed("redrive", "--discard")["outcomes"]

    # All of it once more changes nothing.
    drivers = client.hgetall(f"{{{CITY}}}:drivers")
    for each in ranges:
        path.give_up(each["shardId"], each["startSequenceNumber"], each["endSequenceNumber"], each["batchSize"])
    again = printed("redrive", "--discard")

    assert {"duplicate": 2 * RECORDS, "set_aside": 2} == again["outcomes"]
    assert 2 * RECORDS * PINGS == again["pings"]["duplicate"]
    assert drivers == client.hgetall(f"{{{CITY}}}:drivers")
    assert exact()
    assert [] == failures()


@pytest.mark.parametrize("handler", [AT_IMPORT, ON_EVERY_RECORD], ids=["at import", "on every record"])
def test_pings_come_home_by_themselves_if_good_code_is_back_before_the_stream_gives_up(
    stack: Deployment,
    state: LiveState,
    api: Api,
    aggregator: Aggregator,
    exact: Callable[[], bool],
    failures: Callable[[], list[Any]],
    handler: str,
):
    names = [f"patient-{n}-{handler[:3]}" for n in range(5)]
    aggregator.deploy(handler)
    for name in names:
        api.post_pings({"driver_id": name, "lat": PLACE[0], "lon": PLACE[1]})
    until(lambda: api.get("/health")["stream"]["lag_ms"] > 2_000)
    assert not any(is_live(stack, CITY, name) for name in names)

    aggregator.roll_back()

    until(lambda: all(is_live(stack, CITY, name) for name in names))
    assert exact()
    assert [] == failures()
