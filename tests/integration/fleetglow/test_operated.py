"""The stack that an operator means, on AWS by its name, and its failure queue."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError
from moto import mock_aws

from fleetglow.errors import BadInput, NotRunning
from fleetglow.failure_queue import FailureQueue
from fleetglow.operated import operated


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


class FakeFormation:
    """CloudFormation, with one stack."""

    def __init__(self, name: str, **outputs: str) -> None:
        self._name = name
        self._outputs = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if StackName != self._name:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": self._outputs}]}


def test_a_stack_on_aws_is_reached_by_its_outputs():
    url = boto3.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="a message")
    clients = {"cloudformation": FakeFormation("theirs", FailureQueueUrl=url), "sqs": boto3.client("sqs")}

    with FailureQueue.of(operated("theirs", clients.__getitem__), 30) as queue:
        assert ["a message"] == [body for _, body in queue.messages()]


def test_a_stack_that_is_not_there_is_named():
    with pytest.raises(NotRunning, match=r"the stack nobodys was not found: .* does not exist"):
        operated("nobodys", lambda _: FakeFormation("theirs"))


def test_another_kind_of_stack_is_none_of_ours():
    with pytest.raises(NotRunning, match="the stack theirs is none of Fleetglow's: it has no output FailureQueueUrl"):
        operated("theirs", lambda _: FakeFormation("theirs", Elsewhere="x"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NoRegionError(), r"^--stack theirs: expected a region, in AWS_DEFAULT_REGION or your AWS profile$"),
        (NoCredentialsError(), r"^--stack theirs: expected credentials for AWS, by AWS_PROFILE or another way$"),
    ],
)
def test_what_the_environment_lacks_is_named(error: Exception, told: str):
    def client(_: str) -> FakeFormation:
        raise error

    with pytest.raises(BadInput, match=told):
        operated("theirs", client)


def test_messages_that_were_looked_at_are_there_for_the_next_who_looks():
    url = boto3.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    for n in range(25):
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=str(n))

    for _ in range(2):
        with FailureQueue(boto3.client("sqs"), url, 600) as queue:
            assert sorted(map(str, range(25))) == sorted(body for _, body in queue.messages())
