from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fleetglow.deploy import applied, failed_update, first_failure
from fleetglow.errors import DeployFailed

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


def test_what_failed_in_an_earlier_deployment_is_not_told_again() -> None:
    nested = {"PhysicalResourceId": NESTED, "ResourceType": "AWS::CloudFormation::Stack"}
    outer = [
        event("fleetglow", 2, "Old", "no such node type"),
        event("fleetglow", 4, "fleetglow", None, PhysicalResourceId="fleetglow", ResourceStatus="UPDATE_IN_PROGRESS"),
        event("fleetglow", 7, "Cache", "Embedded stack was not updated", **nested),
    ]
    inner = [event(NESTED, 3, "Older", "its name is taken"), event(NESTED, 6, "Group", "no such engine")]

    assert "Group (AWS::SQS::Queue): no such engine" == failure(outer=outer, inner=inner)


class FakeCloudFormation(RecordedCloudFormation):
    """One stack, whose status is the next of the given ones each time it is asked for, and at the end the last.

    Attributes:
        asked: the operations that change something, with their kind of change set.
    """

    def __init__(self, *statuses: str, changes: bool = True, refusal: str | None = None) -> None:
        began = {"PhysicalResourceId": "fleetglow", "ResourceStatus": "UPDATE_IN_PROGRESS"}
        events = [
            event("fleetglow", 1, "Queue", "it failed long ago"),
            event("fleetglow", 2, "fleetglow", None, **began),
            event("fleetglow", 3, "Cache", "no such node type"),
        ]
        super().__init__({"fleetglow": events})
        self._statuses = list(statuses)
        self._changes = changes
        self._refusal = refusal
        self.asked: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status == "GONE":
            raise ClientError({"Error": {"Message": f"Stack {StackName} does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": status, "Outputs": [{}]}]}

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackResources": [{"ResourceStatus": "CREATE_COMPLETE"}]}

    def create_change_set(self, ChangeSetType: str, **_: object) -> dict[str, str]:  # noqa: N803
        self.asked.append(ChangeSetType)
        if self._refusal:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": self._refusal}}, "CreateChangeSet")
        return {"Id": "change-set"}

    def describe_change_set(self, ChangeSetName: str) -> dict[str, str]:  # noqa: N803
        if self._changes:
            return {"Status": "CREATE_COMPLETE"}
        return {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}

    def execute_change_set(self, ChangeSetName: str) -> None:  # noqa: N803
        self.asked.append("execute")

    def delete_change_set(self, ChangeSetName: str) -> None:  # noqa: N803
        self.asked.append("forget")

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.asked.append("delete")


def deployed(stack: FakeCloudFormation, told: list[str] | None = None) -> bool:
    tell = told.append if told is not None else lambda _: None
    return applied(stack, "http://template", {"CacheNodes": "2"}, tell)  # type: ignore[arg-type]


def test_a_stack_that_is_not_there_is_created() -> None:
    stack = FakeCloudFormation("GONE", "CREATE_COMPLETE")

    assert (True, ["CREATE", "execute"]) == (deployed(stack), stack.asked)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_works_is_updated_also_after_an_update_that_was_rolled_back(status: str) -> None:
    stack = FakeCloudFormation(status, "UPDATE_COMPLETE")

    assert (True, ["UPDATE", "execute"]) == (deployed(stack), stack.asked)


def test_one_that_is_as_the_template_says_is_left_alone() -> None:
    stack = FakeCloudFormation("UPDATE_COMPLETE", changes=False)

    assert (False, ["UPDATE", "forget"]) == (deployed(stack), stack.asked)


def test_an_update_that_has_failed_before_is_not_taken_for_done() -> None:
    told = r"^the same update has failed before: Cache \(.*\): no such node type; .* `fleetglow down`, then .*`$"
    with pytest.raises(DeployFailed, match=told):
        deployed(FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE", changes=False))


def test_a_deployment_that_was_interrupted_is_waited_for() -> None:
    told: list[str] = []
    stack = FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")

    assert (True, ["UPDATE", "execute"]) == (deployed(stack, told), stack.asked)
    assert ["1 resource done"] == told


@pytest.mark.parametrize("status", ["CREATE_FAILED", "ROLLBACK_COMPLETE", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_one_that_cannot_be_updated_is_replaced(status: str) -> None:
    stack = FakeCloudFormation(status, "GONE", "CREATE_COMPLETE")

    assert (True, ["delete", "CREATE", "execute"]) == (deployed(stack), stack.asked)


def test_an_update_that_fails_says_why() -> None:
    with pytest.raises(DeployFailed, match="no such node type"):
        deployed(FakeCloudFormation("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"))


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "CREATE_COMPLETE", "GONE"])
def test_a_stack_whose_last_update_failed_says_why(status: str) -> None:
    reason = "Cache (AWS::SQS::Queue): no such node type" if status == "UPDATE_ROLLBACK_COMPLETE" else None

    assert reason == failed_update(FakeCloudFormation(status))  # type: ignore[arg-type]


def test_a_template_that_is_refused_is_a_line() -> None:
    with pytest.raises(DeployFailed, match=r"^the template was refused: .*Unresolved resource dependencies"):
        deployed(FakeCloudFormation("UPDATE_COMPLETE", refusal="Unresolved resource dependencies [Api]"))
