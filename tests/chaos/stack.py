"""The stack as the harness handles it: its stream, its functions' settings, its failure queue, and their traces."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import boto3
import redis
from botocore.exceptions import BotoCoreError, ClientError

from adapters.checkpoints import Checkpoints
from chaos.ledger import Ledger
from conftest import fleetglow
from fleetglow import aws
from fleetglow.deployment import Deployment
from heatmap.errors import Unavailable

# What a service raises that is away for a while.
AWAY = (BotoCoreError, ClientError)

RECENT = 300
# Lines reach the log late and out of order.
OVERLAP_MS = 20_000
CHANGED_S = 60.0
POLL_S = 0.2


class Stream:
    """The ping stream, read by the harness itself, which keeps the last records for those who want them again.

    Attributes:
        recent: shard, sequence number and data.
        last: the last sequence number that was read of each shard.
    """

    def __init__(self, deployment: Deployment, ledger: Ledger) -> None:
        self.name = deployment.outputs["PingStreamName"]
        self.recent: deque[tuple[str, str, bytes]] = deque(maxlen=RECENT)
        self.last: dict[str, int] = {}
        self._kinesis = boto3.client("kinesis", **aws.local(deployment.endpoint_url, read_timeout_s=15))
        self._ledger = ledger
        self._iterators: dict[str, str] = {}
        self._reading = threading.Lock()
        summary = self._kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]
        self.arn = summary["StreamARN"]
        self._shards = summary["OpenShardCount"]

    def read(self) -> int:
        """Read what is new; say how many records that was."""
        with self._reading:
            return self._read()

    def _read(self) -> int:
        if not self._iterators:
            for shard in self._kinesis.list_shards(StreamName=self.name)["Shards"]:
                shard_id = shard["ShardId"]
                self._iterators[shard_id] = self._kinesis.get_shard_iterator(
                    StreamName=self.name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
        found = 0
        for shard_id, iterator in self._iterators.items():
            answer = self._kinesis.get_records(ShardIterator=iterator)
            for record in answer["Records"]:
                self._ledger.read(shard_id, int(record["SequenceNumber"]), record["Data"])
                self.recent.append((shard_id, record["SequenceNumber"], record["Data"]))
                self.last[shard_id] = int(record["SequenceNumber"])
            self._iterators[shard_id] = answer["NextShardIterator"]
            found += len(answer["Records"])
        return found

    def is_counted(self, client: redis.Redis) -> bool:
        """Whether the aggregator is done with all that the stream holds."""
        try:
            return not self.read() and self.is_counted_to(self.last, client)
        except AWAY:
            return False

    def is_counted_to(self, last: Mapping[str, int], client: redis.Redis) -> bool:
        """Whether it is done with all records up to these."""
        try:
            noted = Checkpoints(client).of(self.name)
        except Unavailable:
            return False
        return all(int(noted.get(shard, "0")) >= number for shard, number in last.items())

    def put(self, data: bytes) -> None:
        self._kinesis.put_record(StreamName=self.name, Data=data, PartitionKey=str(time.monotonic_ns()))

    def make_again(self) -> None:
        """Make the stream anew, with its old name."""
        with self._reading:
            self._kinesis.create_stream(StreamName=self.name, ShardCount=self._shards)
            self._iterators.clear()
        _until(lambda: "ACTIVE" == self._status())

    def _status(self) -> str:
        return self._kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["StreamStatus"]


class Functions:
    """The stack's functions: how they are set, and what the aggregator says of its batches."""

    def __init__(self, deployment: Deployment, ledger: Ledger) -> None:
        self._names = deployment.functions
        self._lambdas = boto3.client("lambda", **aws.local(deployment.endpoint_url))
        self._logs = boto3.client("logs", **aws.local(deployment.endpoint_url))
        self._ledger = ledger
        self._seen: set[str] = set()
        self._since = time.time_ns() // 1_000_000

    def invoke(self, function: str, event: Mapping[str, Any], *, is_awaited: bool = True) -> Any:
        """A function's answer; nothing, if it is not awaited."""
        kind = "RequestResponse" if is_awaited else "Event"
        invoked = self._lambdas.invoke(
            FunctionName=self._names[function],
            InvocationType=kind,  # type: ignore[arg-type]
            Payload=json.dumps(event).encode(),
        )
        return json.loads(invoked["Payload"].read() or b"null")

    def set_where_set(self, variable: str, value: str) -> None:
        """Give a variable of the environment this value in every function that has it."""
        for name in self._names.values():
            given = self._lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            if given.get(variable, value) != value:
                self._set(name, {**given, variable: value})

    def set_one(self, function: str, variable: str, value: str) -> None:
        """Give it to one function."""
        name = self._names[function]
        given = self._lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        self._set(name, {**given, variable: value})

    def rewind(self, give_up_after_s: int) -> None:
        """Change the stream's mapping: it loses its place, and delivers all that the stream holds again."""
        mappings = self._lambdas.list_event_source_mappings(FunctionName=self._names["aggregate"])
        [uuid] = [each["UUID"] for each in mappings["EventSourceMappings"]]
        for is_enabled, state in ((False, "Disabled"), (True, "Enabled")):
            self._lambdas.update_event_source_mapping(
                UUID=uuid, Enabled=is_enabled, MaximumRecordAgeInSeconds=give_up_after_s
            )
            _until(partial(self._is_mapping, uuid, state))

    def _is_mapping(self, uuid: str, state: str) -> bool:
        return state == self._lambdas.get_event_source_mapping(UUID=uuid)["State"]

    def read(self) -> None:
        """Note what the aggregator has said of the stream's batches since the last time."""
        for line in self._lines():
            if line.get("message") == "batch applied" and not line["redriven"]:
                self._ledger.report_range("stream", line["shard_id"], int(line["first"]), int(line["last"]), line)

    def _lines(self) -> Iterator[dict[str, Any]]:
        started = time.time_ns() // 1_000_000
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self._names['aggregate']}", startTime=self._since
        )
        for page in pages:
            for event in page["events"]:
                if event["eventId"] not in self._seen:
                    self._seen.add(event["eventId"])
                    if event["message"].startswith("{"):
                        yield json.loads(event["message"])
        self._since = max(self._since, started - OVERLAP_MS)

    def _set(self, name: str, variables: dict[str, str]) -> None:
        self._lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        _until(lambda: "Successful" == self._lambdas.get_function_configuration(FunctionName=name)["LastUpdateStatus"])


def command(*arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
    """The JSON object that a command prints."""
    done = fleetglow(*arguments, "--json", timeout_s=600)
    assert done.returncode in statuses, done.stderr
    return json.loads(done.stdout)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CHANGED_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(POLL_S)
