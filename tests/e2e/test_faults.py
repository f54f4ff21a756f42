"""Parts of the stack are killed or fed junk while pings come in: nothing is lost, the counts stay exact."""

from collections.abc import Callable
from typing import Any

import boto3

from adapters.live_state import LiveState
from e2e.support import Api, Traffic, is_live, live, settled, until
from fleetglow import aws
from fleetglow.deployment import Deployment


def test_the_aggregator_is_killed_in_mid_batch_and_nothing_is_lost(
    api: Api,
    state: LiveState,
    kill: Callable[[str], int],
    exact: Callable[[], bool],
    failures: Callable[[], list[Any]],
):
    traffic = Traffic("london", 10)
    killed = 0
    for fleet_share in (0.2, 0.5, 0.9):
        until(lambda share=fleet_share: live(state, "london") >= share * traffic.drivers)
        killed += kill("aggregate.app.lambda_handler")

    summary = traffic.summary()
    settled(api)
    assert killed >= 1
    assert (summary["sent"], 0) == (summary["accepted"], summary["rejected"])
    assert traffic.drivers == live(state, "london")
    assert exact()
    assert [] == failures()


def test_a_poison_record_goes_to_the_failure_queue_and_every_other_ping_is_counted(
    api: Api,
    stack: Deployment,
    state: LiveState,
    exact: Callable[[], bool],
    failures: Callable[[], list[Any]],
):
    kinesis = boto3.client("kinesis", **aws.local(stack.endpoint_url))
    stream = stack.outputs["PingStreamName"]

    for n in range(10):
        api.post_pings({"driver_id": f"beside-poison-{n}", "lat": 51.5, "lon": -0.1})
        if n == 5:
            poison = kinesis.put_record(StreamName=stream, Data=b"\x00 not one of ours", PartitionKey="poison")

    [failure] = until(failures, 60)
    batch = failure["KinesisBatchInfo"]
    assert poison["ShardId"] == batch["shardId"]
    assert int(batch["startSequenceNumber"]) <= int(poison["SequenceNumber"]) <= int(batch["endSequenceNumber"])
    settled(api)
    assert all(is_live(stack, "london", f"beside-poison-{n}") for n in range(10))
    assert 1 == api.get("/health")["failures"]["depth"]
    assert exact()


def test_valkey_is_lost_and_the_fleet_is_counted_again(
    api: Api,
    state: LiveState,
    kill: Callable[[str], int],
    exact: Callable[[], bool],
    failures: Callable[[], list[Any]],
):
    traffic = Traffic("liverpool", 16)
    until(lambda: live(state, "liverpool") == traffic.drivers)
    epoch = state.check(["liverpool"])["liverpool"].stamp.epoch

    assert 1 == kill("valkey-server")

    summary = traffic.summary()
    settled(api)
    assert summary["sent"] == summary["accepted"]
    assert epoch != state.check(["liverpool"])["liverpool"].stamp.epoch
    assert traffic.drivers == live(state, "liverpool")
    assert exact()
    assert [] == failures()
