from typing import Any

import pytest

from localstack_dockerless.websocket.compiler import Snapshot, StageIdentity, compile_stage
from localstack_dockerless.websocket.routing import LambdaTarget, MockTarget, Route, Stage

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:work"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
TIMEOUT_S = 29.0


def integration(**fields: Any) -> dict[str, Any]:
    return {"integrationType": "AWS_PROXY", "integrationUri": URI, "timeoutInMillis": None, "responses": [], **fields}


def compiled(
    route: dict[str, Any] | None = None,
    integrations: dict[str, dict[str, Any]] | None = None,
    authorizers: dict[str, dict[str, Any]] | None = None,
    **variables: str,
) -> Route:
    """The one route of a stage that has these resources."""
    fields = {"routeKey": "say", "target": "integrations/i", "authorizationType": "NONE", "responds": False}
    snapshot = Snapshot("$request.body.action", [{**fields, **(route or {})}], integrations or {}, authorizers or {})
    identity = StageIdentity("api", "live", "000000000000", "us-east-1", variables)
    return compile_stage(identity, snapshot, TIMEOUT_S).routes["say"]


@pytest.mark.parametrize(
    ("uri", "arn"),
    [
        (URI, FUNCTION),
        (FUNCTION, FUNCTION),
        (URI.replace("work", "work:prod"), f"{FUNCTION}:prod"),
        (URI.replace("work", "${stageVariables.name}"), FUNCTION),
    ],
)
def test_a_proxy_integration_leads_to_its_function(uri: str, arn: str) -> None:
    target = compiled(integrations={"i": integration(integrationUri=uri)}, name="work").target
    assert target == LambdaTarget(arn, TIMEOUT_S)


@pytest.mark.parametrize(("milliseconds", "seconds"), [(None, 29.0), (500, 0.5), (30_000, 29.0)])
def test_an_integration_may_take_less_time_but_not_more(milliseconds: int | None, seconds: float) -> None:
    target = compiled(integrations={"i": integration(timeoutInMillis=milliseconds)}).target
    assert target == LambdaTarget(FUNCTION, seconds)


@pytest.mark.parametrize("uri", [None, "", "https://example.com", "arn:aws:s3:::bucket"])
def test_an_integration_that_names_no_function_leads_nowhere(uri: str | None) -> None:
    assert compiled(integrations={"i": integration(integrationUri=uri)}).target is None


@pytest.mark.parametrize("target", [None, "integrations/other"])
def test_a_route_without_its_integration_leads_nowhere(target: str | None) -> None:
    assert compiled({"target": target}, {"i": integration()}).target is None


def test_a_mock_integration_has_the_status_of_its_request_template_and_a_response_template() -> None:
    mock = integration(
        integrationType="MOCK",
        requestTemplates={"$default": '{"statusCode": 403}'},
        templateSelectionExpression="\\$default",
        responses=[{"responseTemplates": {"$default": "no"}, "templateSelectionExpression": None}],
    )
    assert compiled(integrations={"i": mock}).target == MockTarget(403, "no")


def test_a_mock_integration_without_templates_is_a_200() -> None:
    mock = integration(integrationType="MOCK", requestTemplates=None, templateSelectionExpression=None)
    assert compiled(integrations={"i": mock}).target == MockTarget(200, None)


def test_a_custom_route_has_its_authorizer() -> None:
    data = {"authorizerUri": URI, "identitySource": ["route.request.header.Auth"], "enableSimpleResponses": None}
    authorizer = compiled({"authorizationType": "CUSTOM", "authorizerId": "a"}, authorizers={"a": data}).authorizer
    assert authorizer is not None
    assert (authorizer.function_arn, authorizer.identity_sources) == (FUNCTION, ("route.request.header.Auth",))


@pytest.mark.parametrize("authorizers", [{}, {"a": {"authorizerUri": None}}, {"a": {"authorizerUri": "x"}}])
def test_a_custom_route_whose_authorizer_names_no_function_is_not_open(authorizers: dict[str, Any]) -> None:
    authorizer = compiled({"authorizationType": "CUSTOM", "authorizerId": "a"}, authorizers=authorizers).authorizer
    assert authorizer is not None
    assert authorizer.function_arn.endswith(":missing-authorizer")


def test_a_stage_goes_through_json_unchanged() -> None:
    data = {"authorizerUri": URI, "identitySource": ["x"], "enableSimpleResponses": True}
    routes = {
        "a": compiled(integrations={"i": integration()}),
        "b": compiled(
            integrations={
                "i": integration(integrationType="MOCK", requestTemplates={}, templateSelectionExpression=None)
            }
        ),
        "c": compiled({"authorizationType": "CUSTOM", "authorizerId": "a"}, authorizers={"a": data}),
    }
    stage = Stage("api", "live", "000000000000", "us-east-1", "$request.body.action", routes, {"v": "1"})
    assert Stage.from_json(stage.to_json()) == stage
