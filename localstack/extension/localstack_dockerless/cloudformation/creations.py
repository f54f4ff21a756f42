"""What LocalStack's own resource providers leave out when they create; see `patches.stacks.create_as_described`."""

import functools
from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent, ResourceRequest

from localstack_dockerless.cloudformation.common import Model
from localstack_dockerless.cloudformation.updates import set_retention

type Create = Callable[[Any, ResourceRequest[Any]], ProgressEvent[Any]]

DEFAULT_RETENTION_HOURS = 24


def create_stream(create: Create) -> Create:
    @functools.wraps(create)
    def create_with_mode_and_retention(provider: Any, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        model = request.desired_state
        if "ShardCount" in model:
            model.setdefault("StreamModeDetails", {"StreamMode": "PROVISIONED"})
        event = create(provider, request)
        hours = int(model.get("RetentionPeriodHours", DEFAULT_RETENTION_HOURS))
        if event.status == OperationStatus.SUCCESS and hours > DEFAULT_RETENTION_HOURS:
            request.aws_client_factory.kinesis.increase_stream_retention_period(
                StreamName=model["Name"], RetentionPeriodHours=hours
            )
        return event

    return create_with_mode_and_retention


def create_log_group(create: Create) -> Create:
    @functools.wraps(create)
    def create_with_retention(provider: Any, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
        event = create(provider, request)
        set_retention(request, request.desired_state)
        return event

    return create_with_retention
