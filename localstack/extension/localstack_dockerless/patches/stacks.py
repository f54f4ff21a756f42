"""CloudFormation stacks and what they make."""

import functools
from typing import Any
from weakref import WeakSet

# Networks exist on paper only.
WITHOUT_EFFECT = (
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
)


def know_provided_resource_types() -> None:
    """With CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES=0 LocalStack asks a catalog of its maker's, which without an account
    knows nothing and rejects every type. Here a type is available exactly if a plugin provides it.
    """
    from localstack.services.cloudformation.engine.v2.change_set_resource_support_checker import (  # noqa: PLC0415
        ChangeSetResourceSupportChecker,
    )
    from localstack.services.cloudformation.resource_provider import plugin_manager  # noqa: PLC0415
    from localstack.utils.catalog.common import (  # noqa: PLC0415
        CloudFormationResourcesSupportAtRuntime,
        CloudFormationResourcesSupportInLatest,
    )

    def status(_self: ChangeSetResourceSupportChecker, resource_type: str) -> Any:
        if plugin_manager.exists(resource_type):
            return CloudFormationResourcesSupportAtRuntime.AVAILABLE
        return CloudFormationResourcesSupportInLatest.NOT_SUPPORTED

    ChangeSetResourceSupportChecker._resource_support_status = status  # type: ignore[method-assign,assignment]


def implement_missing_updates() -> None:
    """LocalStack reports an update that its provider does not implement as done, and only logs a warning."""
    from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor  # noqa: PLC0415

    from localstack_dockerless.cloudformation import rest_updates, updates  # noqa: PLC0415

    functions = {
        "AWS::ApiGateway::RestApi": rest_updates.update_rest_api,
        "AWS::ApiGateway::Stage": rest_updates.update_stage,
        "AWS::CloudFormation::Stack": updates.update_stack,
        "AWS::CloudWatch::Alarm": updates.update_alarm,
        "AWS::Events::Rule": updates.update_rule,
        "AWS::Kinesis::Stream": updates.update_stream,
        "AWS::Logs::LogGroup": updates.update_log_group,
        "AWS::S3::Bucket": updates.update_bucket,
        "AWS::S3::BucketPolicy": updates.update_by_creating,
        "AWS::SQS::QueuePolicy": updates.update_by_creating,
        "AWS::SecretsManager::Secret": updates.update_secret,
        **dict.fromkeys(WITHOUT_EFFECT, updates.remember),
    }
    load = ResourceProviderExecutor.try_load_resource_provider

    @functools.wraps(load)
    def load_with_update(resource_type: str) -> Any:
        provider = load(resource_type)
        if provider is not None and resource_type in functions:
            provider.update = functools.partial(functions[resource_type], provider)  # type: ignore[method-assign]
        return provider

    # Its callers use the class and instances alike.
    ResourceProviderExecutor.try_load_resource_provider = staticmethod(load_with_update)  # type: ignore[method-assign]


def replace_only_what_differs() -> None:
    """To LocalStack a property changes when it refers to a resource that changes, even if the reference's value stays.
    So an update of a bucket replaces the bucket's policy: puts the new one, then deletes "the old one", the same.
    """
    from localstack.services.cloudformation.engine.v2.change_set_model_executor import (  # noqa: PLC0415
        ChangeSetModelExecutor,
    )
    from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocResource  # noqa: PLC0415
    from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor  # noqa: PLC0415

    execute = ChangeSetModelExecutor._execute_resource_change

    @functools.wraps(execute)
    def execute_with_values(self: ChangeSetModelExecutor, name: str, before: Any, after: Any) -> None:
        same_type = isinstance(before, PreprocResource) and isinstance(after, PreprocResource)
        if same_type and before.resource_type == after.resource_type and after.requires_replacement:
            provider = ResourceProviderExecutor.try_load_resource_provider(after.resource_type)
            names = (
                {path.split("/")[2] for path in provider.SCHEMA.get("createOnlyProperties", [])} if provider else set()
            )
            old, new = before.properties.properties, after.properties.properties
            after.requires_replacement = any(old.get(each) != new.get(each) for each in names)
        execute(self, name, before, after)

    ChangeSetModelExecutor._execute_resource_change = execute_with_values  # type: ignore[method-assign]


def report_failed_deployments() -> None:
    """LocalStack sets UPDATE_COMPLETE after UpdateStack whatever came out, even for unsupported types, and forgets the
    resources that the failed update had not reached, and of the one that failed what it was before; after CreateStack
    it sets CREATE_COMPLETE if no resource got as far as failing. Here a failed update ends in UPDATE_ROLLBACK_COMPLETE,
    as it should (but nothing is rolled back), and another update may follow.
    """
    from localstack.aws.api.cloudformation import ChangeSetStatus, ResourceStatus, StackStatus  # noqa: PLC0415
    from localstack.services.cloudformation.engine.v2.change_set_model_executor import (  # noqa: PLC0415
        ChangeSetModelExecutor,
    )
    from localstack.services.cloudformation.v2.entities import Stack  # noqa: PLC0415

    execute, set_status = ChangeSetModelExecutor.execute, Stack.set_stack_status
    failed: WeakSet[Stack] = WeakSet()
    broken = {ResourceStatus.CREATE_FAILED, ResourceStatus.UPDATE_FAILED, ResourceStatus.DELETE_FAILED}
    overruled = {StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE, StackStatus.UPDATE_FAILED}

    def fail(stack: Stack, message: str, *, updating: bool) -> None:
        if updating:
            set_status(stack, StackStatus.UPDATE_ROLLBACK_COMPLETE, message)
        stack.status_reason = message
        failed.add(stack)

    @functools.wraps(execute)
    def execute_and_remember(self: ChangeSetModelExecutor) -> Any:
        change_set, stack = self._change_set, self._change_set.stack
        updating = stack.status == StackStatus.UPDATE_IN_PROGRESS
        failed.discard(stack)
        stack.status_reason = None
        if updating and change_set.status == ChangeSetStatus.FAILED:
            fail(stack, reason := str(change_set.status_reason), updating=True)
            raise ValueError(reason)
        result = execute(self)
        if result.failure_message:
            fail(stack, result.failure_message, updating=updating)
            if updating:
                # One that could not be updated is still there.
                old = stack.resolved_resources
                gone_wrong = {name for name, each in result.resources.items() if each["ResourceStatus"] in broken}
                kept = {name: old[name] for name in gone_wrong & old.keys()}
                result.resources = {**old, **result.resources, **kept}
                result.outputs = stack.resolved_outputs
        return result

    @functools.wraps(set_status)
    def set_status_unless_failed(self: Stack, status: Any, reason: str | None = None) -> None:
        if status not in overruled or self not in failed:
            set_status(self, status, reason)

    ChangeSetModelExecutor.execute = execute_and_remember  # type: ignore[method-assign]
    Stack.set_stack_status = set_status_unless_failed  # type: ignore[method-assign]


def create_as_described() -> None:
    """LocalStack makes every stream ON_DEMAND that does not say otherwise, where CloudFormation makes one with a shard
    count PROVISIONED; and it drops the retention of log groups and streams.
    """
    from localstack.services.kinesis.resource_providers.aws_kinesis_stream import KinesisStreamProvider  # noqa: PLC0415
    from localstack.services.logs.resource_providers.aws_logs_loggroup import LogsLogGroupProvider  # noqa: PLC0415

    from localstack_dockerless.cloudformation import creations  # noqa: PLC0415

    stream, log_group = KinesisStreamProvider.create, LogsLogGroupProvider.create
    KinesisStreamProvider.create = creations.create_stream(stream)  # type: ignore[method-assign,assignment]
    LogsLogGroupProvider.create = creations.create_log_group(log_group)  # type: ignore[method-assign,assignment]
