from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fleetglow.deploy import first_failure

NESTED = "arn:aws:cloudformation:us-east-1:000000000000:stack/fleetglow-Cache/1"


def event(stack: str, second: int, resource: str, reason: str | None, **changes: str) -> dict[str, Any]:
    """A stack event of a failed resource."""
    given = {} if reason is None else {"ResourceStatusReason": reason}
    return {
        "StackId": stack,
        "Timestamp": datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC),
        "LogicalResourceId": resource,
        "PhysicalResourceId": f"{resource}-1",
        "ResourceType": "AWS::SQS::Queue",
        "ResourceStatus": "CREATE_FAILED",
        **given,
        **changes,
    }


class RecordedCloudFormation:
    """The events of stacks, as CloudFormation pages through them."""

    def __init__(self, events: dict[str, list[dict[str, Any]]]) -> None:
        self._events = events

    def get_paginator(self, operation: str) -> "RecordedCloudFormation":
        assert operation == "describe_stack_events"
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's name
        for each in self._events[StackName]:
            yield {"StackEvents": [each]}


def failure(**events: list[dict[str, Any]]) -> str:
    recorded = {"fleetglow": events["outer"], NESTED: events.get("inner", [])}
    return first_failure(RecordedCloudFormation(recorded))  # type: ignore[arg-type]


def test_the_first_failure_is_told_not_what_followed_from_it() -> None:
    later = event("fleetglow", 9, "Second", "Resource creation cancelled")
    first = event("fleetglow", 3, "First", "The name\n is taken")

    assert "First (AWS::SQS::Queue): The name is taken" == failure(outer=[later, first])


def test_a_nested_stack_s_failure_is_that_of_its_resource() -> None:
    nested = {"PhysicalResourceId": NESTED, "ResourceType": "AWS::CloudFormation::Stack"}
    outer = event("fleetglow", 3, "Cache", "Embedded stack was not created", **nested)
    inner = event(NESTED, 2, "ReplicationGroup", "no such node type")

    assert "ReplicationGroup (AWS::SQS::Queue): no such node type" == failure(outer=[outer], inner=[inner])


def test_what_succeeded_and_the_stack_itself_are_no_failures() -> None:
    fine = event("fleetglow", 1, "Queue", None, ResourceStatus="CREATE_COMPLETE")
    itself = event("fleetglow", 2, "fleetglow", "it failed", PhysicalResourceId="fleetglow")
    broken = event("fleetglow", 3, "Stream", None)

    assert "Stream (AWS::SQS::Queue): no reason given" == failure(outer=[fine, itself, broken])
