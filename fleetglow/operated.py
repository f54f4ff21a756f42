"""The stack that an operator looks after: the one here, or one on AWS, by the name it was deployed under."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from fleetglow import aws
from fleetglow.deployment import discover
from fleetglow.errors import BadInput, FleetglowError, NotRunning

# An output that every stack of ours has.
_OURS = "FailureQueueUrl"


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
        NotRunning: there is none, or another kind of stack.
        BadInput: the environment does not say where to look, or as whom.
    """
    if stack is None:
        here = discover()
        return Operated(here.outputs, partial(client, **aws.local(here.endpoint_url)))
    try:
        [found] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except NoRegionError as error:
        raise BadInput(f"--stack {stack}: expected a region, in AWS_DEFAULT_REGION or your AWS profile") from error
    except NoCredentialsError as error:
        raise BadInput(f"--stack {stack}: expected credentials for AWS, by AWS_PROFILE or another way") from error
    except (ClientError, BotoCoreError) as error:
        raise NotRunning(f"the stack {stack} was not found: {error}") from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    if _OURS not in outputs:
        raise NotRunning(f"the stack {stack} is none of Fleetglow's: it has no output {_OURS}")
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
