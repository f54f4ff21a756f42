"""The CloudFormation types `AWS::ApiGatewayV2::*` of a WebSocket API.

They differ only in their names, so one provider does the work, and each type says what is its own: the words of its API
operations, the property that identifies it (its Ref), and the properties of which a change means a new resource.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from localstack.services.cloudformation.resource_provider import (
    CloudFormationResourceProviderPlugin,
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

Model = dict[str, Any]
Request = ResourceRequest[Model]
Event = ProgressEvent[Model]


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` as in the type; `noun` as in the operations (create_<noun>); `parents` identify it together with `key`.

    `defaults` are what a property returns to when an update of the template drops it.
    """

    name: str
    noun: str
    key: str
    parents: tuple[str, ...] = ("ApiId",)
    create_only: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    json_text: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Any]:
        create_only = {*self.parents, *self.create_only}
        return {
            "typeName": f"AWS::ApiGatewayV2::{self.name}",
            "primaryIdentifier": [f"/properties/{self.key}"],
            "createOnlyProperties": [f"/properties/{name}" for name in sorted(create_only)],
            "readOnlyProperties": [f"/properties/{name}" for name in self.attributes],
        }


API = Kind(
    "Api",
    "api",
    "ApiId",
    parents=(),
    create_only=("ProtocolType",),
    attributes=("ApiId", "ApiEndpoint"),
    unsupported=("Body", "BodyS3Location", "Target"),
    defaults={"Description": ""},
)
STAGE = Kind(
    "Stage",
    "stage",
    "StageName",
    create_only=("StageName",),
    defaults={
        "AutoDeploy": False,
        "DefaultRouteSettings": {},
        "Description": "",
        "RouteSettings": {},
        "StageVariables": {},
    },
)
DEPLOYMENT = Kind("Deployment", "deployment", "DeploymentId", attributes=("DeploymentId",))
ROUTE = Kind(
    "Route",
    "route",
    "RouteId",
    attributes=("RouteId",),
    defaults={"AuthorizationType": "NONE", "RouteResponseSelectionExpression": ""},
)
ROUTE_RESPONSE = Kind(
    "RouteResponse",
    "route_response",
    "RouteResponseId",
    parents=("ApiId", "RouteId"),
    attributes=("RouteResponseId",),
)
INTEGRATION = Kind("Integration", "integration", "IntegrationId", attributes=("IntegrationId",))
INTEGRATION_RESPONSE = Kind(
    "IntegrationResponse",
    "integration_response",
    "IntegrationResponseId",
    parents=("ApiId", "IntegrationId"),
    attributes=("IntegrationResponseId",),
)
AUTHORIZER = Kind("Authorizer", "authorizer", "AuthorizerId", attributes=("AuthorizerId",))
MODEL = Kind("Model", "model", "ModelId", attributes=("ModelId",), json_text=("Schema",))


class ApiGatewayV2Provider(ResourceProvider[Model]):
    KIND: ClassVar[Kind]

    def create(self, request: Request) -> Event:
        model = dict(request.desired_state)
        if named := [name for name in self.KIND.unsupported if name in model]:
            return _failed(model, f"{request.resource_type}: {', '.join(named)} is not supported")
        return self._write(request, f"create_{self.KIND.noun}", model)

    def update(self, request: Request) -> Event:
        previous = request.previous_state or {}
        dropped = {name: value for name, value in self.KIND.defaults.items() if name in previous}
        kept = {name: previous[name] for name in (*self.KIND.parents, self.KIND.key, *self.KIND.attributes)}
        return self._write(request, f"update_{self.KIND.noun}", {**dropped, **request.desired_state, **kept})

    def delete(self, request: Request) -> Event:
        model = request.desired_state
        # A resource that an update has removed is, now and then, deleted again with the stack: then without its id.
        if self.KIND.key not in model:
            return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)
        identity = {name: model[name] for name in (*self.KIND.parents, self.KIND.key)}
        try:
            self._call(request, f"delete_{self.KIND.noun}", identity)
        except ClientError as error:
            # Deleting an API deletes what it holds, in whatever order a stack goes.
            if error.response["Error"]["Code"] != "NotFoundException":
                return _failed(model, str(error))
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    def _write(self, request: Request, operation: str, model: Model) -> Event:
        parameters = {
            name: json.dumps(value) if name in self.KIND.json_text and not isinstance(value, str) else value
            for name, value in model.items()
        }
        try:
            response = self._call(request, operation, parameters)
        except ClientError as error:
            return _failed(model, str(error))
        model.update({name: response[name] for name in (self.KIND.key, *self.KIND.attributes)})
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    @staticmethod
    def _call(request: Request, operation: str, parameters: Model) -> dict[str, Any]:
        # The client of a resource request drops what an operation does not take, and converts types.
        response: dict[str, Any] = getattr(request.aws_client_factory.apigatewayv2, operation)(**parameters)
        return response


def _failed(model: Model, message: str) -> Event:
    return ProgressEvent(
        status=OperationStatus.FAILED, resource_model=model, message=message, error_code="InvalidRequest"
    )


class ApiGatewayV2Plugin(CloudFormationResourceProviderPlugin):
    """LocalStack finds a type by the name of its plugin."""

    KIND: ClassVar[Kind]
    factory: type[ApiGatewayV2Provider] | None = None

    def load(self) -> None:
        name = f"{self.KIND.name}Provider"
        members = {"KIND": self.KIND, "TYPE": self.name, "SCHEMA": self.KIND.schema}
        self.factory = type(name, (ApiGatewayV2Provider,), members)


class ApiPlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Api", API


class StagePlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Stage", STAGE


class DeploymentPlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Deployment", DEPLOYMENT


class RoutePlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Route", ROUTE


class RouteResponsePlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::RouteResponse", ROUTE_RESPONSE


class IntegrationPlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Integration", INTEGRATION


class IntegrationResponsePlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::IntegrationResponse", INTEGRATION_RESPONSE


class AuthorizerPlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Authorizer", AUTHORIZER


class ModelPlugin(ApiGatewayV2Plugin):
    name, KIND = "AWS::ApiGatewayV2::Model", MODEL
