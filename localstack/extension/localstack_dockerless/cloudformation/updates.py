"""Updates that LocalStack's own resource providers lack.

Where a provider has none, LocalStack logs a warning and reports the update as done. Each function here is the `update`
of the provider of the type it names; `patches.stacks.implement_missing_updates` puts them there.
"""

from typing import Any

from botocore.exceptions import ClientError
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

from localstack_dockerless.cloudformation.common import Model, failure, merged, success

type Provider = ResourceProvider[Model]

STARTED = "update_started"


def update_stack(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::CloudFormation::Stack: update the nested stack and wait for it."""
    model, client = merged(request), request.aws_client_factory.cloudformation
    if not request.custom_context.get(STARTED):
        optional = {name: model[name] for name in ("NotificationARNs", "Tags") if name in model}
        try:
            client.update_stack(
                StackName=model["Id"],
                TemplateURL=model["TemplateURL"],
                Parameters=_stack_parameters(model.get("Parameters", {})),
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
                **optional,
            )
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return success(model)
            raise
        return _in_progress(model)
    stack = client.describe_stacks(StackName=model["Id"])["Stacks"][0]
    if stack["StackStatus"].endswith("IN_PROGRESS"):
        return _in_progress(model)
    if stack["StackStatus"] != "UPDATE_COMPLETE":
        return failure(model, f"{stack['StackStatus']}: {stack.get('StackStatusReason', 'no reason given')}")
    model["Outputs"] = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return success(model)


def update_rule(provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::Events::Rule: PutRule and PutTargets overwrite, so creating it again does; other targets are removed."""
    previous, events = request.previous_state or {}, request.aws_client_factory.events
    bus, _, name = previous["Id"].rpartition("|")
    on_bus = {"EventBusName": bus} if bus else {}
    kept = {target["Id"] for target in request.desired_state.get("Targets") or []}
    present = events.list_targets_by_rule(Rule=name, **on_bus)["Targets"]
    if gone := [target["Id"] for target in present if target["Id"] not in kept]:
        events.remove_targets(Rule=name, Ids=gone, Force=True, **on_bus)
    request.desired_state["Name"] = name
    return provider.create(request)


def update_alarm(provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::CloudWatch::Alarm: PutMetricAlarm overwrites."""
    request.desired_state["AlarmName"] = (request.previous_state or {})["AlarmName"]
    return provider.create(request)


def update_log_group(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::Logs::LogGroup: its retention."""
    model = merged(request)
    if "RetentionInDays" not in request.desired_state:
        model.pop("RetentionInDays", None)
        request.aws_client_factory.logs.delete_retention_policy(logGroupName=model["LogGroupName"])
    set_retention(request, model)
    return success(model)


def set_retention(request: ResourceRequest[Model], model: Model) -> None:
    if days := model.get("RetentionInDays"):
        request.aws_client_factory.logs.put_retention_policy(
            logGroupName=model["LogGroupName"], retentionInDays=int(days)
        )


def update_stream(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::Kinesis::Stream: its shard count and retention."""
    model, previous, kinesis = merged(request), request.previous_state or {}, request.aws_client_factory.kinesis
    name = model["Name"]
    if request.custom_context.get(STARTED):
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return success(model) if summary["StreamStatus"] == "ACTIVE" else _in_progress(model)
    shards, hours = int(model.get("ShardCount", 1)), int(model.get("RetentionPeriodHours", 24))
    before = int(previous.get("RetentionPeriodHours", 24))
    if hours > before:
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
    elif hours < before:
        kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
    if shards != int(previous.get("ShardCount", 1)):
        kinesis.update_shard_count(StreamName=name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING")
    return _in_progress(model)


def update_bucket(provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::S3::Bucket: its website, CORS rules, versioning, notifications and tags; creating again sets them."""
    request.desired_state["BucketName"] = (request.previous_state or {})["BucketName"]
    return provider.create(request)


def update_by_creating(provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """For resources of which creating means putting: AWS::S3::BucketPolicy, AWS::SQS::QueuePolicy. The id stays."""
    event = provider.create(request)
    assert event.resource_model is not None  # noqa: S101 - for the type checker; these providers always give one
    event.resource_model["Id"] = (request.previous_state or {})["Id"]
    return event


def update_secret(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::SecretsManager::Secret: its description and a value given in the template; a generated value stays."""
    model, previous = merged(request), request.previous_state or {}
    changed = {
        name: model[name]
        for name in ("Description", "KmsKeyId", "SecretString")
        if name in model and model[name] != previous.get(name)
    }
    if changed:
        request.aws_client_factory.secretsmanager.update_secret(SecretId=model["Id"], **changed)
    return success(model)


def remember(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """For what has no effect without a network: the change is kept in the stack and nothing else is done."""
    return success(merged(request))


def _stack_parameters(values: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"ParameterKey": name, "ParameterValue": str(value).lower() if isinstance(value, bool) else str(value)}
        for name, value in values.items()
    ]


def _in_progress(model: Model) -> ProgressEvent[Model]:
    return ProgressEvent(status=OperationStatus.IN_PROGRESS, resource_model=model, custom_context={STARTED: True})
