"""The CloudFormation types: what a template refers to, updates in place, replacements, deletion."""

import aiohttp
import pytest
from websocket_support.localstack import LocalStack

HEAD = """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: %(name)s, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Hello:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: MOCK, RequestTemplates: {"$default": '{"statusCode": 200}'}}
  HelloResponse:
    Type: AWS::ApiGatewayV2::IntegrationResponse
    Properties:
      ApiId: !Ref Api
      IntegrationId: !Ref Hello
      IntegrationResponseKey: $default
      ResponseTemplates: {"$default": %(text)s}
  Guard:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref Api
      Name: guard
      AuthorizerType: REQUEST
      AuthorizerUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:nobody/invocations
      IdentitySource: [route.request.header.Authorization]
  Shape:
    Type: AWS::ApiGatewayV2::Model
    Properties: {ApiId: !Ref Api, Name: shape, ContentType: application/json, Schema: {type: object}}
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $connect
      Target: !Sub integrations/${Hello}
%(guard)s
  Default:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $default
      RouteResponseSelectionExpression: $default
      Target: !Join ["/", [integrations, !Ref Hello]]
  DefaultResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Default, RouteResponseKey: $default}
  Deployment%(revision)s:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: [Connect, Default, DefaultResponse, HelloResponse]
    Properties: {ApiId: !Ref Api}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties:
      ApiId: !Ref Api
      StageName: %(stage)s
      DeploymentId: !Ref Deployment%(revision)s
Outputs:
  Url: {Value: !Sub "${Api.ApiEndpoint}/${Stage}"}
  ApiIds: {Value: !Join [",", [!Ref Api, !GetAtt Api.ApiId]]}
  Deployments: {Value: !Join [",", [!Ref Deployment%(revision)s, !GetAtt Deployment%(revision)s.DeploymentId]]}
  Authorizers: {Value: !Join [",", [!Ref Guard, !GetAtt Guard.AuthorizerId]]}
  Ids: {Value: !Join [",", [!Ref Hello, !Ref HelloResponse, !Ref Shape, !Ref Connect, !Ref Default, !Ref DefaultResponse]]}
"""  # noqa: E501
GUARDED = """
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Guard"""


def template(name: str = "one", text: str = "hello", guard: str = "", revision: int = 1, stage: str = "live") -> str:
    return HEAD % {"name": name, "text": text, "guard": guard, "revision": revision, "stage": stage}


async def talk(url: str) -> str | int:
    """The answer, or the status with which the handshake was refused."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url) as socket:
                await socket.send_str("x")
                return await socket.receive_str(timeout=10)
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_a_stack_is_created_updated_and_deleted(localstack: LocalStack) -> None:
    api = localstack.client("apigatewayv2")
    created = localstack.deploy("types", template())
    for pair in ("ApiIds", "Deployments", "Authorizers"):
        ref, attribute = created[pair].split(",")
        assert ref == attribute
    assert len(set(created["Ids"].split(","))) == 6
    assert await talk(created["Url"]) == "hello"

    # In place: the ids stay, and the stage goes on with its deployment.
    updated = localstack.deploy("types", template(name="two", text="goodbye", guard=GUARDED), update=True)
    assert updated == created
    [found] = [item for item in api.get_apis()["Items"] if item["ApiId"] == created["ApiIds"].split(",")[0]]
    assert found["Name"] == "two"
    assert await talk(created["Url"]) == "hello"

    # Another deployment brings the changes to the stage.
    redeployed = localstack.deploy("types", template("two", "goodbye", GUARDED, revision=2), update=True)
    assert redeployed["Deployments"] != created["Deployments"]
    assert await talk(created["Url"]) == 401

    # A property that the template drops returns to its default: the guard is gone. Another stage name is another stage.
    last = localstack.deploy("types", template("two", "goodbye", revision=3, stage="next"), update=True)
    assert last["Url"].endswith("/next")
    assert await talk(last["Url"]) == "goodbye"
    assert await talk(created["Url"]) == 403

    localstack.delete("types")
    assert found["ApiId"] not in {item["ApiId"] for item in api.get_apis()["Items"]}
    assert await talk(last["Url"]) == 403


def test_a_stack_with_an_api_that_cannot_be_served_fails_and_says_why(localstack: LocalStack) -> None:
    http_api = """
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: http, ProtocolType: HTTP}
"""
    with pytest.raises(AssertionError, match="Only WEBSOCKET APIs are served here, got ProtocolType HTTP"):
        localstack.deploy("http", http_api)


SERVERLESS = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      Runtime: python3.13
      Role: !GetAtt Role.Arn
      InlineCode: |
        import boto3
        def handler(event, context):
            where = event["requestContext"]
            if where["eventType"] == "MESSAGE":
                url = "http://" + where["domainName"] + "/" + where["stage"]
                api = boto3.client("apigatewaymanagementapi", endpoint_url=url)
                api.post_to_connection(ConnectionId=where["connectionId"], Data=event["body"])
            return {"statusCode": 200}
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: live
      Routes:
        $connect: {FunctionArn: !GetAtt Echo.Arn}
        $default: {FunctionArn: !GetAtt Echo.Arn}
Outputs:
  Url: {Value: !Sub "${Api.ApiEndpoint}/live"}
"""


async def test_a_serverless_websocket_api_is_served(localstack: LocalStack) -> None:
    outputs = localstack.deploy("serverless", SERVERLESS)
    assert await talk(outputs["Url"]) == "x"
    localstack.delete("serverless")
