"""All changes to LocalStack that no plugin point allows, each with its reason.

They are written for exactly one version of LocalStack; on another one none is applied, with a warning.
"""

import copy
import functools
import logging
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

from localstack.constants import VERSION

from localstack_dockerless import settings
from localstack_dockerless.log_retention import LogRetention

WRITTEN_FOR = "2026.3.0"
KINESIS_MOCK_VERSION = "0.5.2"

LOG = logging.getLogger(__name__)


def fits() -> bool:
    """Whether this is the LocalStack that the patches, and whatever else uses its inner parts, are written for."""
    return VERSION == WRITTEN_FOR


def apply_all() -> None:
    if not fits():
        LOG.warning("localstack-dockerless is written for LocalStack %s, this is %s: not patched", WRITTEN_FOR, VERSION)
        return
    aggregate_lambda_metrics()
    know_kinesis_mock()
    forget_old_log_events()
    describe_log_groups_without_their_events()
    store_function_logs_directly()
    limit_lambda_requests()
    know_provided_resource_types()
    implement_missing_updates()
    replace_only_what_differs()
    report_failed_deployments()
    keep_the_catalog_offline()
    create_as_described()
    tether_helper_processes()
    wait_for_queue_messages()
    keep_objects_in_the_data_folder()
    listen_only_where_told()


def aggregate_lambda_metrics() -> None:
    """LocalStack sends itself a PutMetricData request for each invocation, the most expensive part of a warm one.

    It does so in a thread for each, all of which it keeps for its shutdown: their stacks stay mapped, and after some
    32,000 invocations no thread can be started any more. Adding to a sum takes no thread.
    """
    from localstack.services.lambda_.invocation import version_manager  # noqa: PLC0415

    from localstack_dockerless.lambda_process.metrics import AGGREGATOR  # noqa: PLC0415

    version_manager.record_cw_metric_invocation = AGGREGATOR.add_invocation  # type: ignore[attr-defined]
    version_manager.record_cw_metric_error = AGGREGATOR.add_error  # type: ignore[attr-defined]
    start_thread: Any = version_manager.start_thread  # type: ignore[attr-defined]

    @functools.wraps(start_thread)
    def start_unless_it_counts(method: Any, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
        if (name or "").startswith("record-cloudwatch-metric"):
            return method()
        return start_thread(method, *args, name=name, **kwargs)

    version_manager.start_thread = start_unless_it_counts  # type: ignore[attr-defined]


def know_kinesis_mock() -> None:
    """`kinesis_retention.cjs` is the patch of kinesis-mock; a user can have LocalStack take another version of that."""
    from localstack.services.kinesis.packages import _KINESIS_MOCK_VERSION  # noqa: PLC0415

    if _KINESIS_MOCK_VERSION != KINESIS_MOCK_VERSION:
        LOG.warning(
            "localstack-dockerless is written for kinesis-mock %s, this is %s: streams keep all records",
            KINESIS_MOCK_VERSION,
            _KINESIS_MOCK_VERSION,
        )


def forget_old_log_events() -> None:
    """LocalStack keeps all log events in memory, and each invocation adds its own."""
    import localstack.services.logs.provider  # noqa: F401, PLC0415 - it replaces the method that is wrapped here
    from moto.logs.models import LogStream  # noqa: PLC0415

    limit_bytes = settings.logs_retention_bytes(os.environ)
    if not limit_bytes:
        return
    retention, put = LogRetention(limit_bytes), LogStream.put_log_events

    @functools.wraps(put)
    def put_and_forget(self: LogStream, log_events: list[dict[str, Any]]) -> Any:
        token = put(self, log_events)
        retention.added(self.log_group, [event["message"] for event in log_events])
        return token

    LogStream.put_log_events = put_and_forget  # type: ignore[method-assign]


def describe_log_groups_without_their_events() -> None:
    """To list the log groups LocalStack copies them with all their events: for seconds nobody else is served."""
    from localstack.services.logs import provider  # noqa: PLC0415

    # All that it does with its copies is to iterate, or to remove a key.
    provider.copy = SimpleNamespace(deepcopy=copy.copy)  # type: ignore[assignment,attr-defined]


def store_function_logs_directly() -> None:
    """LocalStack sends itself a PutLogEvents request for each invocation, which costs as much as the invocation."""
    from localstack.services.lambda_.invocation.logs import LogHandler  # noqa: PLC0415

    from localstack_dockerless.lambda_process.log_writer import write_logs  # noqa: PLC0415

    LogHandler.run_log_loop = write_logs  # type: ignore[method-assign,assignment]


def limit_lambda_requests() -> None:
    """Lambda refuses events above 6 MB (1 MB when asynchronous) before a function sees them; LocalStack does not."""
    from localstack.aws.api.lambda_ import InvocationType, RequestTooLargeException  # noqa: PLC0415
    from localstack.services.lambda_.invocation.lambda_service import LambdaService  # noqa: PLC0415

    invoke = LambdaService.invoke

    @functools.wraps(invoke)
    def invoke_within_limit(self: LambdaService, *args: Any, **kwargs: Any) -> Any:
        kind = kwargs.get("invocation_type") or InvocationType.RequestResponse
        limit = ASYNCHRONOUS_EVENT_BYTES if kind == InvocationType.Event else SYNCHRONOUS_EVENT_BYTES
        size = len(kwargs.get("payload") or b"")
        if size > limit:
            # Lambda's words.
            message = f"{size} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
            raise RequestTooLargeException(message, Type="User")
        return invoke(self, *args, **kwargs)

    LambdaService.invoke = invoke_within_limit  # type: ignore[method-assign]


# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
SYNCHRONOUS_EVENT_BYTES = 6 * 1024 * 1024
ASYNCHRONOUS_EVENT_BYTES = 1024 * 1024


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

    from localstack_dockerless.cloudformation import updates  # noqa: PLC0415

    functions = {
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


# Networks exist on paper only.
WITHOUT_EFFECT = (
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
)


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
    resources that the failed update had not reached; after CreateStack it sets CREATE_COMPLETE if no resource got as
    far as failing. Here a failed update ends in UPDATE_ROLLBACK_COMPLETE, as it should (but nothing is rolled back).
    """
    from localstack.aws.api.cloudformation import ChangeSetStatus, StackStatus  # noqa: PLC0415
    from localstack.services.cloudformation.engine.v2.change_set_model_executor import (  # noqa: PLC0415
        ChangeSetModelExecutor,
    )
    from localstack.services.cloudformation.v2.entities import Stack  # noqa: PLC0415

    execute, set_status = ChangeSetModelExecutor.execute, Stack.set_stack_status
    failed: WeakSet[Stack] = WeakSet()
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
                result.resources = {**stack.resolved_resources, **result.resources}
                result.outputs = stack.resolved_outputs
        return result

    @functools.wraps(set_status)
    def set_status_unless_failed(self: Stack, status: Any, reason: str | None = None) -> None:
        if status not in overruled or self not in failed:
            set_status(self, status, reason)

    ChangeSetModelExecutor.execute = execute_and_remember  # type: ignore[method-assign]
    Stack.set_stack_status = set_status_unless_failed  # type: ignore[method-assign]


def keep_the_catalog_offline() -> None:
    """At the first stack, and at a call of an unknown operation, LocalStack would ask its maker's server which services
    exist; without an account it learns nothing, and without a network it waits.
    """
    from localstack.utils.catalog.catalog_loader import AwsCatalogLoaderException, RemoteCatalogLoader  # noqa: PLC0415

    def refuse(_self: RemoteCatalogLoader) -> Any:
        raise AwsCatalogLoaderException("the remote catalog is not used")

    RemoteCatalogLoader.get_remote_catalog = refuse  # type: ignore[method-assign,assignment]


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


def tether_helper_processes() -> None:
    """LocalStack starts kinesis-mock and the like in sessions of their own, so they stay behind when it is killed."""
    from localstack.utils import run as run_module  # noqa: PLC0415

    from localstack_dockerless import lifecycle  # noqa: PLC0415

    run = run_module.run

    @functools.wraps(run)
    def run_and_tether(*args: Any, **kwargs: Any) -> Any:
        result = run(*args, **kwargs)
        if isinstance(result, subprocess.Popen):
            lifecycle.adopt(result.pid)
        return result

    # ShellCommandThread, which runs every helper server, looks the function up in its module.
    run_module.run = run_and_tether


def wait_for_queue_messages() -> None:
    """Lambda long-polls its queues, so that a message is handled as it comes. LocalStack waits for a second or more
    after an empty answer before it asks again.
    """
    from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller  # noqa: PLC0415

    register = SqsPoller._register_client_hooks

    def wait(params: dict[str, Any], **_: Any) -> None:
        params["WaitTimeSeconds"] = QUEUE_WAIT_S

    @functools.wraps(register)
    def register_with_wait(self: SqsPoller) -> None:
        register(self)  # type: ignore[no-untyped-call]
        # With a batching window LocalStack waits by itself.
        if not self.maximum_batching_window:
            self.source_client.meta.events.register("provide-client-params.sqs.ReceiveMessage", wait)

    SqsPoller._register_client_hooks = register_with_wait  # type: ignore[method-assign]


# A mapping that is deleted or changed ends after the wait that is under way.
QUEUE_WAIT_S = 5


def keep_objects_in_the_data_folder() -> None:
    """LocalStack keeps S3 objects in one folder of the machine's, for every instance and user alike."""
    from localstack.services.s3 import provider  # noqa: PLC0415

    from localstack import config  # noqa: PLC0415

    provider.DEFAULT_S3_TMP_DIR = str(Path(config.dirs.tmp) / "s3-storage")


def listen_only_where_told() -> None:
    """LocalStack passes over the IPv4 host of GATEWAY_LISTEN and listens on every interface."""
    from localstack.runtime.server import twisted as server  # noqa: PLC0415

    endpoints = server.endpoints  # type: ignore[attr-defined]
    register = server.TwistedRuntimeServer.register

    @functools.wraps(register)
    def register_on_hosts(self: Any, gateway: Any, listen: Any, ssl_creds: Any = None) -> None:
        hosts = {each.port: each.host for each in listen}

        def on_host(reactor: Any, port: int) -> Any:
            return endpoints.TCP4ServerEndpoint(reactor, port, interface=hosts[port])

        server.endpoints = SimpleNamespace(  # type: ignore[assignment,attr-defined]
            TCP4ServerEndpoint=on_host, TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint
        )
        register(self, gateway, listen, ssl_creds)

    server.TwistedRuntimeServer.register = register_on_hosts  # type: ignore[method-assign]
