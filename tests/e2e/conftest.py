"""Talking to the running stack as its clients do, and breaking parts of it."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
import redis

from adapters.live_state import LiveState
from e2e import support
from e2e.failure_path import FailurePath
from e2e.support import Api
from fleetglow import aws
from fleetglow.deployment import Deployment
from fleetglow.instance import Instance


@pytest.fixture(scope="session")
def parameters() -> dict[str, str]:
    """Viewers whom the server has lost notice by its silence, which is counted in heartbeats.

    Somebody may have as many connections as a test can note one by one, and more than any test opens.
    """
    return {"HeartbeatSeconds": "6", "MaxConnectionsPerPrincipal": "300"}


@pytest.fixture(scope="session")
def api(stack: Deployment) -> Api:
    return Api(stack.rest_url, stack.token("pings:write heatmap:read drivers:read", "tester", 3600))


@pytest.fixture(scope="session")
def secret(stack: Deployment) -> str:
    """What good tokens are signed with."""
    client = boto3.client("secretsmanager", **aws.local(stack.endpoint_url))
    text: str = client.get_secret_value(SecretId=stack.outputs["TokenSecretArn"])["SecretString"]
    return text


@pytest.fixture(scope="session")
def state(stack: Deployment) -> LiveState:
    """The live state itself, to compare with what viewers see."""
    return LiveState(redis.Redis.from_url(stack.redis_url), (4, 5, 6, 7, 8))


@pytest.fixture
def exact(state: LiveState) -> Callable[[], bool]:
    """Whether every city's sums equal its live drivers."""
    return lambda: all(each.exact for each in state.check(state.cities()).values())


@pytest.fixture
def failures(stack: Deployment) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What is in the failure queue: of this test, and of those before it that expected nothing there."""
    sqs = boto3.client("sqs", **aws.local(stack.endpoint_url))
    url = stack.outputs["FailureQueueUrl"]

    def peek() -> list[dict[str, Any]]:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]

    yield peek
    sqs.purge_queue(QueueUrl=url)


@pytest.fixture
def path(stack: Deployment) -> Iterator[FailurePath]:
    """The stream and the failure queue, which is empty afterwards."""
    path = FailurePath(stack)
    yield path
    path.purge()


@pytest.fixture
def kill(instance: Instance) -> Callable[[str], int]:
    """Kills the processes of our own stack whose command line holds a text; says how many there were."""
    return partial(support.kill, instance)
