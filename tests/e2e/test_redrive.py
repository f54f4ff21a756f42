"""What was not applied is seen, redriven and accounted for; what was miscounted is made right: on the running stack."""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import redis

from adapters.live_state import LiveState
from e2e.failure_path import FailurePath, printed
from e2e.support import Api, is_live, until
from e2e.watcher import watching
from factories import a_ping, a_record
from fleetglow import aws
from fleetglow.deployment import Deployment

NAIROBI = (-1.29, 36.82)


def a_driver(driver_id: str) -> bytes:
    # Its clock is fast, so that the driver does not fall silent while commands start.
    return a_record(a_ping(driver_id, time.time_ns() // 1_000_000 + 120_000, NAIROBI))


def test_what_was_not_applied_is_shown_and_redriven_record_by_record(
    stack: Deployment, path: FailurePath, exact: Callable[[], bool], failures: Callable[[], list[Any]]
):
    client = redis.Redis.from_url(stack.redis_url)
    shard_id, first = path.write(a_driver("given-up"))
    _, poison = path.write(b"\x00 not one of ours")
    _, last = path.write(a_driver("given-up-beside"))
    until(lambda: is_live(stack, "nairobi", "given-up-beside"))
    until(failures)
    # As if the state had been away, and all of it had been given up.
    client.delete("homes", *client.keys("{nairobi}:*"))
    path.give_up(shard_id, first, last, 3)
    path.give_up(shard_id, str(int(first) - 10**20), str(int(first) - 10**20), 1)

    shown = {(each["start_sequence_number"], each["records"], each["reason"]) for each in printed("dlq")["messages"]}
    dry = printed("redrive", "--dry-run")["outcomes"]
    redriven = printed("redrive", status=1)

    assert {(first, 3, "RecordAgeExceeded")} <= shown
    assert any(start == poison and reason.startswith("record: expected pings") for start, _, reason in shown)
    assert {"readable": 2, "poison": 1, "set_aside": 1, "expired": 1} == dry
    fates = redriven["outcomes"]
    assert {"applied": 2, "set_aside": 1, "expired": 1} == {fate: fates[fate] for fate in fates if fate != "poison"}
    # It was named by itself before; the copy that its range made of that is not kept.
    assert 2 == redriven["messages"]["left"]
    assert all(is_live(stack, "nairobi", driver_id) for driver_id in ("given-up", "given-up-beside"))

    again = printed("redrive", "--discard")

    assert {"poison": 1, "expired": 1} == again["outcomes"]
    assert {"redriven": 0, "discarded": 2, "left": 0} == again["messages"]
    assert [] == failures()
    assert exact()


async def test_a_count_that_is_spoilt_is_made_right_by_the_check_and_viewers_follow(
    stack: Deployment, api: Api, state: LiveState, exact: Callable[[], bool]
):
    api.post_pings({"driver_id": "miscounted", "lat": NAIROBI[0], "lon": NAIROBI[1]})
    until(lambda: is_live(stack, "nairobi", "miscounted"))
    async with watching(stack, "nairobi") as watcher:
        before = watcher.view.epoch
        [cell, *_] = state.view("nairobi", 7).cells
        client = redis.Redis.from_url(stack.redis_url)
        lambdas = boto3.client("lambda", **aws.local(stack.endpoint_url))

        def found() -> dict[str, int]:
            """What the check finds of a count that is spoilt; nothing if the one of the schedule was first."""
            client.hincrby("{nairobi}:n:7", cell, 5)
            invoked = lambdas.invoke(FunctionName=stack.outputs["CheckFunctionName"])
            differences: dict[str, int] = json.loads(invoked["Payload"].read())["differences"]
            return differences

        assert {"nairobi": 5} == until(found)
        assert exact()
        await watcher.until(lambda view: view.epoch not in {None, before})
        counted = {each: n for each, n in state.view("nairobi", 7).cells.items() if n}
        await watcher.until(lambda view: view.cells == counted)
