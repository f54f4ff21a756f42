"""The stack that an operator looks after: the one here, or one on AWS, by the name it was deployed under."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from fleetglow import aws
from fleetglow.deployment import discover
from fleetglow.errors import FleetglowError, NotRunning


@dataclass(frozen=True)
class Operated:
    """A stack and how to reach its parts.

    Attributes:
        outputs: of the stack, by name.
        client: makes the boto3 client of a service, as "sqs".
    """

    outputs: Mapping[str, str]
    client: Callable[[str], Any]


def _client(service: str, **options: Any) -> Any:
    # The types know each service by its name; here the name is not known.
    return boto3.client(service, **options)  # type: ignore[call-overload]


def operated(stack: str | None, client: Callable[..., Any] = _client) -> Operated:
    """The stack of that name on AWS, with the credentials and region of the environment; by default the one here.

    Args:
        client: makes a client of boto3.

    Raises:
        NotRunning: there is none.
    """
    if stack is None:
        here = discover()
        return Operated(here.outputs, partial(client, **aws.local(here.endpoint_url)))
    try:
        [found] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (ClientError, BotoCoreError) as error:
        raise NotRunning(f"the stack {stack} was not found: {error}") from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    return Operated(outputs, client)


@contextmanager
def told_in_a_line(what: str) -> Iterator[None]:
    """An AWS service that refuses, or does not answer, ends the command with `what` and the service's own reason.

    Raises:
        FleetglowError: it did.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise FleetglowError(f"{what}: {error}") from error
