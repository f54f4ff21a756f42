"""The stream and the failure queue of the running stack, and deployments that go wrong between them."""

import io
import json
import urllib.request
import zipfile
from collections.abc import Iterable
from functools import partial
from typing import Any

import boto3

from conftest import fleetglow
from e2e.support import until
from fleetglow import aws
from fleetglow.deployment import Deployment
from heatmap.failures import Failure, Place, Request, encode

FOR_EVER = -1


def printed(*command: str, status: int = 0) -> Any:
    """The JSON object that a command prints."""
    done = fleetglow(*command, "--json")
    assert status == done.returncode, done.stderr
    return json.loads(done.stdout)


class FailurePath:
    """The stream and the failure queue, as those who write to them see them.

    Attributes:
        stream: its name.
    """

    def __init__(self, stack: Deployment) -> None:
        self._kinesis = boto3.client("kinesis", **aws.local(stack.endpoint_url))
        self._sqs = boto3.client("sqs", **aws.local(stack.endpoint_url))
        self.stream = stack.outputs["PingStreamName"]
        self._url = stack.outputs["FailureQueueUrl"]
        summary = self._kinesis.describe_stream_summary(StreamName=self.stream)
        self._arn = summary["StreamDescriptionSummary"]["StreamARN"]

    def write(self, data: bytes) -> tuple[str, str]:
        """Put a record into the stream; its shard and sequence number."""
        put = self._kinesis.put_record(StreamName=self.stream, Data=data, PartitionKey="x")
        return put["ShardId"], put["SequenceNumber"]

    def write_all(self, records: Iterable[bytes]) -> None:
        """Put up to 500 records into the stream at once."""
        put = self._kinesis.put_records(
            StreamName=self.stream, Records=[{"Data": data, "PartitionKey": "x"} for data in records]
        )
        assert 0 == put["FailedRecordCount"]

    def give_up(self, shard_id: str, first: str, last: str, size: int) -> None:
        """Name a range in the failure queue, as Lambda does when it gives up."""
        place = Place(shard_id, first, last, size, self._arn)
        failure = Failure("2026-01-31T12:00:00.000Z", place, Request("RecordAgeExceeded"))
        self._sqs.send_message(QueueUrl=self._url, MessageBody=encode(failure))

    def purge(self) -> None:
        self._sqs.purge_queue(QueueUrl=self._url)


class Aggregator:
    """The function that counts pings, as deployments change it."""

    def __init__(self, stack: Deployment) -> None:
        self._lambdas = boto3.client("lambda", **aws.local(stack.endpoint_url))
        self._name = stack.outputs["AggregateFunctionName"]
        with urllib.request.urlopen(self._lambdas.get_function(FunctionName=self._name)["Code"]["Location"]) as answer:  # noqa: S310 - our own stack
            self._good = answer.read()
        [mapping] = self._lambdas.list_event_source_mappings(FunctionName=self._name)["EventSourceMappings"]
        self._mapping = mapping["UUID"]

    def deploy(self, handler: str) -> None:
        """Deploy another source of the handler, with nothing beside it."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("aggregate/__init__.py", "")
            archive.writestr("aggregate/app.py", handler)
        self._update(file.getvalue())

    def roll_back(self) -> None:
        """Deploy the code that was there at first."""
        self._update(self._good)

    def try_again(self, times: int) -> None:
        """How often a batch that fails is tried again; the stream is delivered anew, as the local one does then."""
        for is_enabled, state in ((False, "Disabled"), (True, "Enabled")):
            self._lambdas.update_event_source_mapping(
                UUID=self._mapping, Enabled=is_enabled, MaximumRetryAttempts=times
            )
            until(partial(self._is_mapping, state))

    def _update(self, code: bytes) -> None:
        self._lambdas.update_function_code(FunctionName=self._name, ZipFile=code)
        until(
            lambda: (
                "Successful" == self._lambdas.get_function_configuration(FunctionName=self._name)["LastUpdateStatus"]
            )
        )

    def _is_mapping(self, state: str) -> bool:
        return state == self._lambdas.get_event_source_mapping(UUID=self._mapping)["State"]
