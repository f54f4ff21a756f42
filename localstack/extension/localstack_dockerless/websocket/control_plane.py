"""The API `apigatewayv2` for WebSocket APIs: moto's implementation, and what it lacks.

Deployments are what AWS means by them: a stage without auto deploy serves the routes as they were when its deployment
was created.
"""

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.spec import load_service
from localstack.services.moto import call_moto
from moto.apigatewayv2.models import apigatewayv2_backends
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.exceptions import RESTError

from localstack_dockerless.websocket.compiler import Snapshot, StageIdentity, compile_stage, take_snapshot
from localstack_dockerless.websocket.deployments import Deployment, Deployments
from localstack_dockerless.websocket.routing import Stage
from localstack_dockerless.websocket.selection import is_valid_expression

Request = dict[str, Any]
Response = dict[str, Any]
Handler = Callable[[RequestContext, Request], Response]

_SERVED_INTEGRATIONS = {"AWS_PROXY", "MOCK"}
_STAGE_SETTINGS = {
    "accessLogSettings",
    "autoDeploy",
    "clientCertificateId",
    "defaultRouteSettings",
    "description",
    "routeSettings",
    "stageVariables",
}
_READING = ("Get", "Export", "List", "Preview")


class ControlPlane:
    """`changed` is called after each operation that may have changed what a stage serves."""

    def __init__(self, endpoint_of: Callable[[str], str], changed: Callable[[], None]) -> None:
        self._endpoint_of = endpoint_of
        self._changed = changed
        self._deployments: dict[str, Deployments] = {}
        # Requests have a thread each, and stages are compiled on yet another.
        self._lock = threading.RLock()

    def dispatch_table(self) -> dict[str, Handler]:
        """Every operation of the service has an entry."""
        return {name: self._handler(name) for name in load_service("apigatewayv2").operation_names}

    def _handler(self, operation: str) -> Handler:
        method = xform_name(operation)
        own: Handler | None = getattr(self, method, None)
        handler = own or (_moto if hasattr(ApiGatewayV2Response, method) else _refuse)
        reads = operation.startswith(_READING)

        def handle(context: RequestContext, request: Request) -> Response:
            try:
                with self._lock:
                    response = handler(context, request)
            except RESTError as error:
                raise CommonServiceException(error.error_type, error.message, status_code=error.code) from error
            if not reads:
                self._changed()
            return response

        return handle

    def stages(self, timeout_s: float) -> list[Stage]:
        """Everything that the gateway is to serve."""
        with self._lock:
            return list(self._compile_stages(timeout_s))

    def _compile_stages(self, timeout_s: float) -> Iterator[Stage]:
        for account, regions in apigatewayv2_backends.items():
            for region, backend in regions.items():
                for api in backend.apis.values():
                    for stage in api.stages.values():
                        snapshot = self._served_snapshot(api, stage)
                        if snapshot is not None:
                            identity = StageIdentity(api.api_id, stage.name, account, region, stage.stage_variables)
                            yield compile_stage(identity, snapshot, timeout_s)

    def _served_snapshot(self, api: Any, stage: Any) -> Snapshot | None:
        if stage.auto_deploy:
            return take_snapshot(api)
        deployments = self._of_api(api.api_id)
        deployment = deployments.by_id.get(deployments.of_stage.get(stage.name, ""))
        return deployment.snapshot if deployment is not None else None

    def _of_api(self, api_id: str) -> Deployments:
        return self._deployments.setdefault(api_id, Deployments())

    # --- APIs

    def create_api(self, context: RequestContext, request: Request) -> Response:
        if request.get("ProtocolType") != "WEBSOCKET":
            raise _bad_request(f"Only WEBSOCKET APIs are served here, got ProtocolType {request.get('ProtocolType')}")
        _check_selection_expression(request.get("RouteSelectionExpression"))
        response = _moto(context, request)
        api = _api(context, response)
        api.api_endpoint = response["ApiEndpoint"] = self._endpoint_of(api.api_id)
        return response

    def update_api(self, context: RequestContext, request: Request) -> Response:
        if "RouteSelectionExpression" in request:
            _check_selection_expression(request["RouteSelectionExpression"])
        return _moto(context, request)

    def delete_api(self, context: RequestContext, request: Request) -> Response:
        _api(context, request)
        self._deployments.pop(request["ApiId"], None)
        return _moto(context, request)

    # --- routes, integrations, authorizers, models

    def create_route(self, context: RequestContext, request: Request) -> Response:
        if any(route.route_key == request["RouteKey"] for route in _api(context, request).routes.values()):
            raise _conflict(f"Route with key {request['RouteKey']} already exists for this API")
        return _moto(context, request)

    def get_route_responses(self, context: RequestContext, request: Request) -> Response:
        responses = _api(context, request).get_route(request["RouteId"]).route_responses.values()
        return {"Items": [_capitalized(response.to_json()) for response in responses]}

    def update_route_response(self, context: RequestContext, request: Request) -> Response:
        route = _api(context, request).get_route(request["RouteId"])
        response = route.get_route_response(request["RouteResponseId"])
        response.route_response_key = request.get("RouteResponseKey", response.route_response_key)
        response.response_models = request.get("ResponseModels", response.response_models)
        response.model_selection_expression = request.get(
            "ModelSelectionExpression", response.model_selection_expression
        )
        return _capitalized(response.to_json())

    def create_integration(self, context: RequestContext, request: Request) -> Response:
        _check_integration_type(request.get("IntegrationType"))
        return _moto(context, request)

    def update_integration(self, context: RequestContext, request: Request) -> Response:
        if "IntegrationType" in request:
            _check_integration_type(request["IntegrationType"])
        _api(context, request).get_integration(request["IntegrationId"])
        return _moto(context, request)

    def get_authorizers(self, context: RequestContext, request: Request) -> Response:
        return {"Items": [_capitalized(item.to_json()) for item in _api(context, request).authorizers.values()]}

    def update_authorizer(self, context: RequestContext, request: Request) -> Response:
        _api(context, request).get_authorizer(request["AuthorizerId"])
        return _moto(context, request)

    def reset_authorizers_cache(self, context: RequestContext, request: Request) -> Response:
        # Like AWS, this gateway caches no authorizer of a WebSocket API.
        self.get_stage(context, request)
        return {}

    def get_models(self, context: RequestContext, request: Request) -> Response:
        return {"Items": [_capitalized(model.to_json()) for model in _api(context, request).models.values()]}

    # --- deployments

    def create_deployment(self, context: RequestContext, request: Request) -> Response:
        api = _api(context, request)
        if not api.routes:
            raise _bad_request("At least one route is required before deploying the Api.")
        stage_name = request.get("StageName")
        if stage_name is not None:
            api.get_stage(stage_name)
        deployment = Deployment(
            secrets.token_hex(5), datetime.now(UTC), take_snapshot(api), request.get("Description", "")
        )
        deployments = self._of_api(api.api_id)
        deployments.by_id[deployment.id] = deployment
        if stage_name is not None:
            deployments.of_stage[stage_name] = deployment.id
        return deployment.to_response()

    def get_deployment(self, context: RequestContext, request: Request) -> Response:
        return self._deployment(context, request).to_response()

    def get_deployments(self, context: RequestContext, request: Request) -> Response:
        deployments = self._of_api(_api(context, request).api_id)
        return {"Items": [deployment.to_response() for deployment in deployments.by_id.values()]}

    def update_deployment(self, context: RequestContext, request: Request) -> Response:
        old = self._deployment(context, request)
        new = Deployment(old.id, old.created, old.snapshot, request.get("Description", old.description))
        self._of_api(request["ApiId"]).by_id[old.id] = new
        return new.to_response()

    def delete_deployment(self, context: RequestContext, request: Request) -> Response:
        deployment = self._deployment(context, request)
        deployments = self._of_api(request["ApiId"])
        if deployment.id in deployments.of_stage.values():
            raise _bad_request("Active stages pointing to this deployment must be moved or deleted")
        del deployments.by_id[deployment.id]
        return {}

    def _deployment(self, context: RequestContext, request: Request) -> Deployment:
        deployments = self._of_api(_api(context, request).api_id)
        deployment = deployments.by_id.get(request["DeploymentId"])
        if deployment is None:
            message = f"Invalid Deployment identifier specified {request['DeploymentId']}"
            raise CommonServiceException("NotFoundException", message, status_code=404)
        return deployment

    # --- stages

    def create_stage(self, context: RequestContext, request: Request) -> Response:
        if request["StageName"] in _api(context, request).stages:
            raise _conflict("Stage already exists")
        if "DeploymentId" in request:
            self._deployment(context, request)
        response = _moto(context, request)
        return self._point_stage(request, response)

    def get_stage(self, context: RequestContext, request: Request) -> Response:
        return self._with_deployment(request["ApiId"], _moto(context, request))

    def get_stages(self, context: RequestContext, request: Request) -> Response:
        response = _moto(context, request)
        response["Items"] = [self._with_deployment(request["ApiId"], stage) for stage in response.get("Items", [])]
        return response

    def update_stage(self, context: RequestContext, request: Request) -> Response:
        stage = _api(context, request).get_stage(request["StageName"])
        if "DeploymentId" in request:
            self._deployment(context, request)
        # moto keeps the wire format (camelCase), also inside of settings.
        for name, value in json.loads(context.request.get_data()).items():
            if name in _STAGE_SETTINGS:
                setattr(stage, xform_name(name), value)
        stage.updated = datetime.now()
        response = _capitalized(stage.to_json())
        for name in ("DefaultRouteSettings", "AccessLogSettings"):
            if name in response:
                response[name] = _capitalized(response[name])
        response["RouteSettings"] = {key: _capitalized(item) for key, item in response["RouteSettings"].items()}
        return self._point_stage(request, response)

    def delete_stage(self, context: RequestContext, request: Request) -> Response:
        _api(context, request).get_stage(request["StageName"])
        self._of_api(request["ApiId"]).of_stage.pop(request["StageName"], None)
        return _moto(context, request)

    def delete_access_log_settings(self, context: RequestContext, request: Request) -> Response:
        _api(context, request).get_stage(request["StageName"]).access_log_settings = None
        return {}

    def delete_route_settings(self, context: RequestContext, request: Request) -> Response:
        _api(context, request).get_stage(request["StageName"]).route_settings.pop(request["RouteKey"], None)
        return {}

    def _point_stage(self, request: Request, response: Response) -> Response:
        if "DeploymentId" in request:
            self._of_api(request["ApiId"]).of_stage[request["StageName"]] = request["DeploymentId"]
        return self._with_deployment(request["ApiId"], response)

    def _with_deployment(self, api_id: str, stage: Response) -> Response:
        deployment_id = self._of_api(api_id).of_stage.get(stage["StageName"])
        return {**stage, "DeploymentId": deployment_id} if deployment_id is not None else stage


def _moto(context: RequestContext, _request: Request) -> Response:
    """moto's answer; it reads the HTTP request itself."""
    return dict(call_moto(context))


def _refuse(context: RequestContext, _request: Request) -> Response:
    operation = context.operation.name if context.operation is not None else "unknown"
    raise NotImplementedError(f"localstack-dockerless does not provide the operation apigatewayv2:{operation}")


def _api(context: RequestContext, request: Request) -> Any:
    """moto's model of the API. Raises moto's NotFoundException."""
    return apigatewayv2_backends[context.account_id][context.region].get_api(request["ApiId"])


def _check_selection_expression(expression: str | None) -> None:
    if expression is None or not is_valid_expression(expression):
        raise _bad_request(f"RouteSelectionExpression: expected one like $request.body.action, got {expression}")


def _check_integration_type(integration_type: str | None) -> None:
    if integration_type not in _SERVED_INTEGRATIONS:
        served = " and ".join(sorted(_SERVED_INTEGRATIONS))
        raise _bad_request(f"Only integrations of the types {served} are served here, got {integration_type}")


def _capitalized(item: dict[str, Any]) -> Response:
    """moto's wire format (camelCase) as a service response, without what is not set."""
    return {name[0].upper() + name[1:]: value for name, value in item.items() if value is not None}


def _bad_request(message: str) -> CommonServiceException:
    return CommonServiceException("BadRequestException", message, status_code=400)


def _conflict(message: str) -> CommonServiceException:
    return CommonServiceException("ConflictException", message, status_code=409)
