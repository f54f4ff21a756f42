"""Updates of REST APIs, which LocalStack's own resource providers lack; see `patches.stacks.implement_missing_updates`.

Without them a changed API keeps its old routes, and its stage goes with the deployment that it still shows.
"""

import json
from collections.abc import Mapping, Set
from typing import Any

from localstack.services.cloudformation.resource_provider import ProgressEvent, ResourceProvider, ResourceRequest

from localstack_dockerless.cloudformation.common import Model, merged, success

type Provider = ResourceProvider[Model]

# Properties with their path in a patch, and what they are where a template does not say, None if that is as it was;
# only what may change without another API or stage.
type Patched = Mapping[str, tuple[str, Any]]
API_PROPERTIES: Patched = {
    "Name": ("/name", None),
    "Description": ("/description", ""),
    "ApiKeySourceType": ("/apiKeySource", "HEADER"),
}
STAGE_PROPERTIES: Patched = {
    "DeploymentId": ("/deploymentId", None),
    "Description": ("/description", ""),
    "TracingEnabled": ("/tracingEnabled", False),
}


def update_rest_api(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::ApiGateway::RestApi: its name, description and key source, and whatever its OpenAPI document says."""
    model, api = _model(request, API_PROPERTIES.keys()), request.aws_client_factory.apigateway
    api_id = model["RestApiId"]
    if changes := _changes(request, API_PROPERTIES):
        api.update_rest_api(restApiId=api_id, patchOperations=changes)
    if document := _document(request):
        # As CloudFormation has it, also where nothing is said.
        parameters = {"basepath": "ignore", **model.get("Parameters", {})}
        api.put_rest_api(restApiId=api_id, mode="overwrite", body=document, parameters=parameters)
    resources = api.get_resources(restApiId=api_id)["items"]
    model["RootResourceId"] = next(each["id"] for each in resources if each["path"] == "/")
    return success(model)


def update_stage(_provider: Provider, request: ResourceRequest[Model]) -> ProgressEvent[Model]:
    """AWS::ApiGateway::Stage: the deployment that it shows, its description, tracing and variables."""
    model = _model(request, {*STAGE_PROPERTIES, "Variables"})
    before, after = (request.previous_state or {}).get("Variables", {}), request.desired_state.get("Variables", {})
    gone = [{"op": "remove", "path": f"/variables/{name}"} for name in before.keys() - after.keys()]
    put = [
        {"op": "replace", "path": f"/variables/{name}", "value": value}
        for name, value in after.items()
        if before.get(name) != value
    ]
    if changes := [*_changes(request, STAGE_PROPERTIES), *gone, *put]:
        request.aws_client_factory.apigateway.update_stage(
            restApiId=model["RestApiId"], stageName=model["StageName"], patchOperations=changes
        )
    return success(model)


def _model(request: ResourceRequest[Model], names: Set[str]) -> Model:
    """The new properties, without those of some names that the template had and has no more."""
    # A name that it never had was made up when the API was created.
    gone = names - request.desired_state.keys() - {"Name"}
    return {name: value for name, value in merged(request).items() if name not in gone}


def _changes(request: ResourceRequest[Model], properties: Patched) -> list[dict[str, str]]:
    before, after = request.previous_state or {}, request.desired_state
    wanted = {name: after.get(name, default) for name, (_, default) in properties.items()}
    return [
        {"op": "replace", "path": properties[name][0], "value": _text(value)}
        for name, value in wanted.items()
        if value is not None and value != before.get(name, properties[name][1])
    ]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _document(request: ResourceRequest[Model]) -> bytes:
    """The OpenAPI document of the new state; empty if there is none, as with an API of resources and methods."""
    if body := request.desired_state.get("Body"):
        return (body if isinstance(body, str) else json.dumps(body)).encode()
    if place := request.desired_state.get("BodyS3Location"):
        version = {"VersionId": place["Version"]} if place.get("Version") else {}
        found = request.aws_client_factory.s3.get_object(Bucket=place["Bucket"], Key=place["Key"], **version)
        document: bytes = found["Body"].read()
        return document
    return b""
