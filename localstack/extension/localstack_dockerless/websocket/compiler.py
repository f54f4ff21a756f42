"""From the resources of an API, as moto keeps them, to the stages that the gateway serves."""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localstack_dockerless.websocket.routing import DEFAULT, Authorizer, LambdaTarget, MockTarget, Route, Stage

# …:lambda:path/2015-03-31/functions/<ARN>/invocations, or the ARN itself
_FUNCTION = re.compile(r"(arn:[^:]+:lambda:[^:]*:\d*:function:[^/]+)(?:/invocations)?\Z")
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An API's configuration at one moment, which is what a deployment is. Items are in the wire format (camelCase)."""

    selection_expression: str
    routes: list[dict[str, Any]]
    integrations: dict[str, dict[str, Any]]
    authorizers: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StageIdentity:
    api_id: str
    name: str
    account: str
    region: str
    variables: Mapping[str, str]


def take_snapshot(api: Any) -> Snapshot:
    """Of a `moto.apigatewayv2.models.Api`."""
    return copy.deepcopy(
        Snapshot(
            selection_expression=api.route_selection_expression,
            routes=[{**route.to_json(), "responds": _responds(route)} for route in api.routes.values()],
            integrations={key: _with_responses(integration) for key, integration in api.integrations.items()},
            authorizers={key: authorizer.to_json() for key, authorizer in api.authorizers.items()},
        )
    )


def _responds(route: Any) -> bool:
    keys = {response.route_response_key for response in route.route_responses.values()}
    return bool(route.route_response_selection_expression) and DEFAULT in keys


def _with_responses(integration: Any) -> dict[str, Any]:
    return {**integration.to_json(), "responses": [response.to_json() for response in integration.responses.values()]}


def compile_stage(identity: StageIdentity, snapshot: Snapshot, timeout_s: float) -> Stage:
    """`timeout_s` is the longest that an integration may take, whatever its own setting."""
    routes = {}
    for route in snapshot.routes:
        integration = snapshot.integrations.get((route["target"] or "").removeprefix("integrations/"))
        authorizer = None
        if route["authorizationType"] == "CUSTOM":
            authorizer = _authorizer(snapshot.authorizers.get(route["authorizerId"]), identity)
        target = _target(integration, identity, timeout_s) if integration is not None else None
        routes[route["routeKey"]] = Route(target, authorizer, route["responds"])
    return Stage(
        api_id=identity.api_id,
        name=identity.name,
        account=identity.account,
        region=identity.region,
        selection_expression=snapshot.selection_expression,
        routes=routes,
        variables=dict(identity.variables),
    )


def _authorizer(data: Mapping[str, Any] | None, identity: StageIdentity) -> Authorizer:
    # A guard that is gone must not leave the door open: a function that does not exist refuses everyone.
    arn = _function_arn((data or {}).get("authorizerUri") or "", identity)
    missing = f"arn:aws:lambda:{identity.region}:{identity.account}:function:missing-authorizer"
    sources = tuple((data or {}).get("identitySource") or ())
    return Authorizer(arn or missing, sources, bool((data or {}).get("enableSimpleResponses")))


def _target(
    integration: Mapping[str, Any], identity: StageIdentity, timeout_s: float
) -> LambdaTarget | MockTarget | None:
    if integration["integrationType"] == "MOCK":
        return _mock_target(integration)
    arn = _function_arn(integration["integrationUri"] or "", identity)
    if arn is None:
        return None
    return LambdaTarget(arn, min((integration["timeoutInMillis"] or 29_000) / 1000, timeout_s))


def _mock_target(integration: Mapping[str, Any]) -> MockTarget:
    """The status in the request template, and the response template as it stands: templates are not evaluated."""
    request = _template(integration["requestTemplates"], integration["templateSelectionExpression"])
    try:
        status = int(json.loads(request or "")["statusCode"])
    except (ValueError, TypeError, KeyError):
        status = 200
    bodies = [
        _template(response["responseTemplates"], response["templateSelectionExpression"])
        for response in integration["responses"]
    ]
    return MockTarget(status, next((body for body in bodies if body is not None), None))


def _template(templates: Mapping[str, str] | None, selection: str | None) -> str | None:
    templates = templates or {}
    key = (selection or "").replace("\\", "")
    return templates.get(key) or next(iter(templates.values()), None)


def _function_arn(uri: str, identity: StageIdentity) -> str | None:
    resolved = _STAGE_VARIABLE.sub(lambda match: identity.variables.get(match[1], ""), uri)
    found = _FUNCTION.search(resolved)
    return found[1] if found else None
