"""Lambda functions and their logs."""

import copy
import functools
import os
from types import SimpleNamespace
from typing import Any

from localstack_dockerless import settings
from localstack_dockerless.lambda_limits import ASYNCHRONOUS_EVENT_BYTES, SYNCHRONOUS_EVENT_BYTES
from localstack_dockerless.log_retention import LogRetention

# A mapping that is deleted or changed ends after the wait that is under way.
QUEUE_WAIT_S = 5


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
