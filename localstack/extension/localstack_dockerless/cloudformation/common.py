"""What the resource providers share."""

from typing import Any

from botocore.client import BaseClient
from localstack.services.cloudformation.provider_utils import generate_default_name
from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent, ResourceRequest

type Model = dict[str, Any]


def schema(identifier: str, create_only: tuple[str, ...] = ()) -> dict[str, Any]:
    """`identifier` is the property that Ref gives; a change of one in `create_only` replaces the resource."""
    return {
        "primaryIdentifier": [f"/properties/{identifier}"],
        "createOnlyProperties": [f"/properties/{name}" for name in create_only],
    }


def success(model: Model) -> ProgressEvent[Model]:
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def failure(model: Model, message: str) -> ProgressEvent[Model]:
    return ProgressEvent(status=OperationStatus.FAILED, resource_model=model, message=message)


def merged(request: ResourceRequest[Model]) -> Model:
    """The new properties with what only the resource itself knows: its identifier and its attributes."""
    return {**(request.previous_state or {}), **request.desired_state}


def default_name(request: ResourceRequest[Model], max_length: int) -> str:
    """A name like `stack-Logical-1a2b3c4d`, shortened at the front, where it is the least distinct."""
    name: str = generate_default_name(request.stack_name, request.logical_resource_id)
    return name[-max_length:].lstrip("-")


def parameters(client: BaseClient, operation: str, model: Model) -> dict[str, Any]:
    """The properties in `model` that `operation` takes under the same name."""
    accepted = client.meta.service_model.operation_model(operation).input_shape.members
    return {name: value for name, value in model.items() if name in accepted}
