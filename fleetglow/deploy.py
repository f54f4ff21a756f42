"""Bringing the stack on LocalStack to what a packaged template says, and the reason when that fails."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from fleetglow import aws
from fleetglow.errors import DeployFailed
from fleetglow.instance import STACK_NAME
from fleetglow.progress import Detail
from fleetglow.wording import counted

if TYPE_CHECKING:
    from datetime import datetime

    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

DEPLOY_S = 180.0
POLL_S = 0.2
# A stack in these states can be replaced, but not updated.
DEAD = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"}
# A stack whose last update failed; LocalStack calls it so, too, but rolls nothing back.
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"
# What a stack is when a deployment of it begins.
BEGINNINGS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}


def deploy(endpoint_url: str, template_url: str, parameters: dict[str, str], tell: Detail) -> bool:
    """Create the stack, or update it; False if it was already as the template says.

    Raises DeployFailed with the reason of the first resource that failed, or with why the template was refused.
    """
    return applied(boto3.client("cloudformation", **aws.local(endpoint_url)), template_url, parameters, tell)


def applied(
    cloudformation: "CloudFormationClient", template_url: str, parameters: dict[str, str], tell: Detail
) -> bool:
    """What `deploy` does, by this client."""
    # One that was interrupted goes on by itself, and takes no other change meanwhile.
    stack = _settled(cloudformation, tell)
    if stack is not None and stack["StackStatus"] in DEAD:
        tell("removing what an earlier deployment left")
        cloudformation.delete_stack(StackName=STACK_NAME)
        if (left := _settled(cloudformation, tell)) is not None:
            raise DeployFailed(f"the stack is {left['StackStatus']}: run `fleetglow down`, then `fleetglow up`")
        stack = None
    try:
        change_set = cloudformation.create_change_set(
            StackName=STACK_NAME,
            ChangeSetName=f"up-{time.time_ns()}",
            ChangeSetType="CREATE" if stack is None else "UPDATE",
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )["Id"]
    except ClientError as error:
        raise DeployFailed(f"the template was refused: {error}") from error
    if not _has_changes(cloudformation, change_set):
        cloudformation.delete_change_set(ChangeSetName=change_set)
        if stack is not None and stack["StackStatus"] == ROLLED_BACK:
            # LocalStack notes the template of an update that has failed, too.
            reason = first_failure(cloudformation)
            raise DeployFailed(
                f"the same update has failed before: {reason}; correct it, or run `fleetglow down`, then `fleetglow up`"
            )
        return False
    cloudformation.execute_change_set(ChangeSetName=change_set)
    stack = _settled(cloudformation, tell)
    # LocalStack calls a stack complete whose nested stack has failed; it is left without outputs.
    complete = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    if stack is None or stack["StackStatus"] not in complete or not stack.get("Outputs"):
        raise DeployFailed(first_failure(cloudformation, change_set))
    return True


def _has_changes(cloudformation: "CloudFormationClient", change_set: str) -> bool:
    deadline = time.monotonic() + DEPLOY_S
    while time.monotonic() < deadline:
        described = cloudformation.describe_change_set(ChangeSetName=change_set)
        if described["Status"] == "CREATE_COMPLETE":
            return True
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "")
            if "didn't contain changes" in reason or "No updates" in reason:
                return False
            raise DeployFailed(f"the template was refused: {reason}")
        time.sleep(POLL_S)
    raise DeployFailed(f"the change set was not ready within {DEPLOY_S:g} s")


def _settled(cloudformation: "CloudFormationClient", tell: Detail) -> "StackTypeDef | None":
    """The stack once nothing is in progress any more; None if there is none."""
    deadline = time.monotonic() + DEPLOY_S
    while (stack := _stack(cloudformation)) is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise DeployFailed(f"the stack is still {stack['StackStatus']} after {DEPLOY_S:g} s")
        resources = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
        complete = sum(resource["ResourceStatus"].endswith("_COMPLETE") for resource in resources)
        tell(f"{counted(complete, 'resource')} done")
        time.sleep(POLL_S)
    return stack


def _stack(cloudformation: "CloudFormationClient") -> "StackTypeDef | None":
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    # A change set for a new stack makes a stack that holds nothing yet.
    return None if stack["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else stack


def first_failure(cloudformation: "CloudFormationClient", stack: str = STACK_NAME) -> str:
    """What failed first in the last deployment, in the stack or one nested in it, and why."""
    since = _began(cloudformation)
    failed = [each for each in _failures(cloudformation, STACK_NAME) if since is None or each["Timestamp"] >= since]
    if not failed:
        return f"the stack could not be deployed, and {stack} does not say why"
    event = min(failed, key=lambda each: each["Timestamp"])
    reason = " ".join(event.get("ResourceStatusReason", "no reason given").split())
    return f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {reason}"


def failed_update(cloudformation: "CloudFormationClient") -> str | None:
    """Why the stack's last update failed; None if it did not."""
    stack = _stack(cloudformation)
    if stack is None or stack["StackStatus"] != ROLLED_BACK:
        return None
    return first_failure(cloudformation)


def _began(cloudformation: "CloudFormationClient") -> "datetime | None":
    """When the last deployment did, by the clock of the events: they are kept of all the stack has been through."""
    begun = (event for event in _events(cloudformation, STACK_NAME) if _is_own(event))
    return max((event["Timestamp"] for event in begun if event.get("ResourceStatus") in BEGINNINGS), default=None)


def _failures(cloudformation: "CloudFormationClient", stack: str) -> "Iterator[StackEventTypeDef]":
    for event in _events(cloudformation, stack):
        if _is_own(event) or not event.get("ResourceStatus", "").endswith("_FAILED"):
            continue
        nested = event.get("PhysicalResourceId", "")
        inner = []
        if event.get("ResourceType") == "AWS::CloudFormation::Stack" and nested.startswith("arn:"):
            inner = list(_failures(cloudformation, nested))
        # A nested stack only repeats what one of its resources told.
        yield from inner or [event]


def _events(cloudformation: "CloudFormationClient", stack: str) -> "Iterator[StackEventTypeDef]":
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        yield from page["StackEvents"]


def _is_own(event: "StackEventTypeDef") -> bool:
    """Whether it is about the stack itself."""
    return event.get("PhysicalResourceId") == event["StackId"]
