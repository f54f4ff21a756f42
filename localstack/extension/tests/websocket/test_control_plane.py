"""The operations of apigatewayv2, as boto3 calls them."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError
from websocket_support.localstack import LocalStack
from websocket_support.polling import until

ANY = "$request.body.action"


@pytest.fixture(scope="module")
def api(localstack: LocalStack) -> Any:
    return localstack.client("apigatewayv2")


@pytest.fixture
def api_id(api: Any) -> Iterator[str]:
    created = api.create_api(Name="test", ProtocolType="WEBSOCKET", RouteSelectionExpression=ANY)["ApiId"]
    yield created
    api.delete_api(ApiId=created)


def error_of(operation: Any, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        operation(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def mock_route(api: Any, api_id: str, key: str, body: str) -> dict[str, Any]:
    """A route that answers `body` without any function."""
    templates = {"$default": '{"statusCode": 200}'}
    integration = api.create_integration(ApiId=api_id, IntegrationType="MOCK", RequestTemplates=templates)
    api.create_integration_response(
        ApiId=api_id,
        IntegrationId=integration["IntegrationId"],
        IntegrationResponseKey="$default",
        ResponseTemplates={"$default": body},
    )
    route: dict[str, Any] = api.create_route(
        ApiId=api_id,
        RouteKey=key,
        Target=f"integrations/{integration['IntegrationId']}",
        RouteResponseSelectionExpression="$default",
    )
    api.create_route_response(ApiId=api_id, RouteId=route["RouteId"], RouteResponseKey="$default")
    return route


async def answer(localstack: LocalStack, api_id: str, stage: str) -> str:
    url = f"ws://127.0.0.1:{localstack.websocket_port}/{api_id}/{stage}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str("x")
        return await socket.receive_str(timeout=10)


async def becomes(localstack: LocalStack, api_id: str, expected: str) -> None:
    """Wait until a change has reached the gateway."""

    async def there() -> bool:
        return await answer(localstack, api_id, "live") == expected

    await until(there)


def test_an_api_has_its_endpoint_on_the_gateway(localstack: LocalStack, api: Any, api_id: str) -> None:
    found = api.get_api(ApiId=api_id)
    assert found["ApiEndpoint"] == f"ws://127.0.0.1:{localstack.websocket_port}/{api_id}"
    assert (found["ProtocolType"], found["RouteSelectionExpression"]) == ("WEBSOCKET", ANY)
    updated = api.update_api(ApiId=api_id, Name="renamed", RouteSelectionExpression="${request.body.kind}")
    assert updated["ApiEndpoint"] == found["ApiEndpoint"]
    assert "renamed" in {item["Name"] for item in api.get_apis()["Items"]}


@pytest.mark.parametrize(
    "parameters",
    [
        {"ProtocolType": "HTTP"},
        {"ProtocolType": "WEBSOCKET"},
        {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.method $request.path"},
    ],
)
def test_an_api_that_cannot_be_served_is_refused(api: Any, parameters: dict[str, str]) -> None:
    code, status, _ = error_of(api.create_api, Name="test", **parameters)
    assert (code, status) == ("BadRequestException", 400)


def test_an_integration_that_cannot_be_served_is_refused(api: Any, api_id: str) -> None:
    code, _, message = error_of(api.create_integration, ApiId=api_id, IntegrationType="HTTP_PROXY")
    assert code == "BadRequestException"
    assert "HTTP_PROXY" in message


def test_an_operation_that_is_missing_says_its_name(api: Any) -> None:
    code, status, message = error_of(api.get_portal, PortalId="x")
    assert (code, status) == ("InternalFailure", 501)
    assert "apigatewayv2:GetPortal" in message


def test_a_route_key_is_unique(api: Any, api_id: str) -> None:
    route = api.create_route(ApiId=api_id, RouteKey="say")
    assert error_of(api.create_route, ApiId=api_id, RouteKey="say")[:2] == ("ConflictException", 409)
    assert api.update_route(ApiId=api_id, RouteId=route["RouteId"], OperationName="x")["OperationName"] == "x"
    assert [item["RouteKey"] for item in api.get_routes(ApiId=api_id)["Items"]] == ["say"]
    api.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    assert error_of(api.get_route, ApiId=api_id, RouteId=route["RouteId"])[:2] == ("NotFoundException", 404)


def test_route_responses(api: Any, api_id: str) -> None:
    identity = {"ApiId": api_id, "RouteId": api.create_route(ApiId=api_id, RouteKey="say")["RouteId"]}
    created = api.create_route_response(**identity, RouteResponseKey="$default")["RouteResponseId"]
    updated = api.update_route_response(**identity, RouteResponseId=created, ModelSelectionExpression="x")
    assert (updated["RouteResponseKey"], updated["ModelSelectionExpression"]) == ("$default", "x")
    assert [item["RouteResponseId"] for item in api.get_route_responses(**identity)["Items"]] == [created]
    api.delete_route_response(**identity, RouteResponseId=created)
    assert api.get_route_responses(**identity)["Items"] == []


def test_authorizers(api: Any, api_id: str) -> None:
    parameters = {"AuthorizerType": "REQUEST", "AuthorizerUri": "x", "IdentitySource": ["route.request.header.Auth"]}
    created = api.create_authorizer(ApiId=api_id, Name="guard", **parameters)["AuthorizerId"]
    api.update_authorizer(ApiId=api_id, AuthorizerId=created, Name="keeper")
    [found] = api.get_authorizers(ApiId=api_id)["Items"]
    assert (found["Name"], found["IdentitySource"]) == ("keeper", ["route.request.header.Auth"])
    assert error_of(api.update_authorizer, ApiId=api_id, AuthorizerId="x")[0] == "NotFoundException"
    api.delete_authorizer(ApiId=api_id, AuthorizerId=created)
    assert api.get_authorizers(ApiId=api_id)["Items"] == []


def test_models(api: Any, api_id: str) -> None:
    created = api.create_model(ApiId=api_id, Name="say", Schema="{}", ContentType="application/json")["ModelId"]
    assert [item["ModelId"] for item in api.get_models(ApiId=api_id)["Items"]] == [created]
    api.delete_model(ApiId=api_id, ModelId=created)


def test_tags(api: Any, api_id: str) -> None:
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api_id}"
    api.tag_resource(ResourceArn=arn, Tags={"team": "chat"})
    assert api.get_tags(ResourceArn=arn)["Tags"] == {"team": "chat"}
    api.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert api.get_tags(ResourceArn=arn)["Tags"] == {}


def test_domain_names_and_mappings(api: Any, api_id: str) -> None:
    api.create_stage(ApiId=api_id, StageName="live")
    api.create_domain_name(DomainName="chat.example.com")
    mapping = api.create_api_mapping(DomainName="chat.example.com", ApiId=api_id, Stage="live")
    [found] = api.get_api_mappings(DomainName="chat.example.com")["Items"]
    assert found["ApiMappingId"] == mapping["ApiMappingId"]
    api.delete_api_mapping(DomainName="chat.example.com", ApiMappingId=mapping["ApiMappingId"])
    api.delete_domain_name(DomainName="chat.example.com")


def test_a_stage_keeps_its_settings(api: Any, api_id: str) -> None:
    settings = {"ThrottlingRateLimit": 10.0, "ThrottlingBurstLimit": 5}
    api.create_stage(ApiId=api_id, StageName="live", DefaultRouteSettings=settings, StageVariables={"a": "b"})
    assert error_of(api.create_stage, ApiId=api_id, StageName="live")[:2] == ("ConflictException", 409)
    api.update_stage(ApiId=api_id, StageName="live", Description="new", RouteSettings={"say": settings})
    [stage] = api.get_stages(ApiId=api_id)["Items"]
    assert (stage["Description"], stage["StageVariables"]) == ("new", {"a": "b"})
    assert [stage["DefaultRouteSettings"], stage["RouteSettings"]["say"]] == [settings, settings]
    changed = {"ThrottlingRateLimit": 20.0}
    updated = api.update_stage(ApiId=api_id, StageName="live", DefaultRouteSettings=changed)
    assert [updated["DefaultRouteSettings"], api.get_stage(ApiId=api_id, StageName="live")["DefaultRouteSettings"]] == [
        changed,
        changed,
    ]
    api.delete_route_settings(ApiId=api_id, StageName="live", RouteKey="say")
    assert api.get_stage(ApiId=api_id, StageName="live")["RouteSettings"] == {}
    api.delete_stage(ApiId=api_id, StageName="live")
    assert error_of(api.get_stage, ApiId=api_id, StageName="live")[:2] == ("NotFoundException", 404)


async def test_a_stage_serves_its_deployment_until_it_gets_another(
    localstack: LocalStack, api: Any, api_id: str
) -> None:
    assert error_of(api.create_deployment, ApiId=api_id)[:2] == ("BadRequestException", 400)
    route = mock_route(api, api_id, "$default", "first")
    api.create_stage(ApiId=api_id, StageName="live")
    first = api.create_deployment(ApiId=api_id, StageName="live", Description="one")["DeploymentId"]
    assert await answer(localstack, api_id, "live") == "first"
    other = mock_route(api, api_id, "other", "second")["Target"]
    api.update_route(ApiId=api_id, RouteId=route["RouteId"], Target=other)
    assert await answer(localstack, api_id, "live") == "first"
    second = api.create_deployment(ApiId=api_id)["DeploymentId"]
    assert await answer(localstack, api_id, "live") == "first"
    api.update_stage(ApiId=api_id, StageName="live", DeploymentId=second)
    assert api.get_stage(ApiId=api_id, StageName="live")["DeploymentId"] == second
    await becomes(localstack, api_id, "second")
    assert error_of(api.delete_deployment, ApiId=api_id, DeploymentId=second)[0] == "BadRequestException"
    api.delete_deployment(ApiId=api_id, DeploymentId=first)
    assert [item["DeploymentId"] for item in api.get_deployments(ApiId=api_id)["Items"]] == [second]
    assert error_of(api.get_deployment, ApiId=api_id, DeploymentId=first)[:2] == ("NotFoundException", 404)


async def test_a_stage_with_auto_deploy_serves_what_there_is(localstack: LocalStack, api: Any, api_id: str) -> None:
    api.create_stage(ApiId=api_id, StageName="live", AutoDeploy=True)
    route = mock_route(api, api_id, "$default", "first")
    await becomes(localstack, api_id, "first")
    other = mock_route(api, api_id, "other", "second")["Target"]
    api.update_route(ApiId=api_id, RouteId=route["RouteId"], Target=other)
    await becomes(localstack, api_id, "second")
