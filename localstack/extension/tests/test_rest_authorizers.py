"""REST methods behind Lambda authorizers."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

AUTHORIZER = """
asked = 0

def handler(event, context):
    global asked
    asked += 1
    said = event.get("authorizationToken") or event["headers"].get("Who") or event["queryStringParameters"].get("who")
    if said == "stranger":
        raise Exception("Unauthorized")
    if said == "crash":
        raise ValueError("no such luck")
    if said == "nonsense":
        return {"principalId": "x"}
    effect = "Deny" if said == "enemy" else "Allow"
    resource = event["methodArn"].rsplit("/", 1)[0] + "/" + ("other" if said == "lost" else "*")
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": said,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"asked": asked, "type": event["type"], "said": said},
        "usageIdentifierKey": f"the-key-of-all-{said}s",
    }
"""
GREETER = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"].get("authorizer"))}
"""
ACCOUNT = "000000000000"


def uri(function: str) -> str:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


@pytest.fixture(scope="module")
def api(localstack: Any) -> str:
    """The URL of an API whose paths are each behind another authorizer."""
    localstack.create_function("authorizer", AUTHORIZER)
    localstack.create_function("greeter", GREETER)
    gateway = localstack.client("apigateway")
    api_id = gateway.create_rest_api(name="greetings")["id"]
    [root] = gateway.get_resources(restApiId=api_id)["items"]

    def add(path: str, **method: Any) -> None:
        resource = gateway.create_resource(restApiId=api_id, parentId=root["id"], pathPart=path)["id"]
        gateway.put_method(restApiId=api_id, resourceId=resource, httpMethod="GET", **method)
        gateway.put_integration(
            restApiId=api_id,
            resourceId=resource,
            httpMethod="GET",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=uri("greeter"),
        )

    def behind(path: str, **authorizer: Any) -> None:
        created = gateway.create_authorizer(restApiId=api_id, name=path, authorizerUri=uri("authorizer"), **authorizer)
        add(path, authorizationType="CUSTOM", authorizerId=created["id"])

    add("open", authorizationType="NONE")
    behind("request", type="REQUEST", identitySource="method.request.header.Who", authorizerResultTtlInSeconds=0)
    behind("cached", type="REQUEST", identitySource="method.request.header.Who", authorizerResultTtlInSeconds=60)
    behind("query", type="REQUEST", identitySource="method.request.querystring.who", authorizerResultTtlInSeconds=0)
    behind("token", type="TOKEN", identitySource="method.request.header.Authorization", authorizerResultTtlInSeconds=0)
    gateway.create_deployment(restApiId=api_id, stageName="test")
    return f"{localstack.url}/_aws/execute-api/{api_id}/test"


def get(url: str, **headers: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:  # noqa: S310 - ours
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_method_without_an_authorizer_is_open(api: str) -> None:
    assert get(f"{api}/open") == (200, None)


def test_who_is_allowed_reaches_the_integration_with_the_context(api: str) -> None:
    status, context = get(f"{api}/request", Who="friend")

    assert (status, context["principalId"], context["type"]) == (200, "friend", "REQUEST")
    assert isinstance(context["asked"], str), "API Gateway hands every value on as text"


def test_a_missing_identity_source_is_401_and_nobody_is_asked(api: str) -> None:
    assert get(f"{api}/request") == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    ("who", "status"), [("stranger", 401), ("enemy", 403), ("lost", 403), ("crash", 500), ("nonsense", 500)]
)
def test_who_is_not_allowed_is_told_so(api: str, who: str, status: int) -> None:
    assert get(f"{api}/request", Who=who)[0] == status


def test_an_identity_may_stand_in_the_query(api: str) -> None:
    assert get(f"{api}/query?who=friend")[0] == 200
    assert get(f"{api}/query")[0] == 401


def test_a_token_authorizer_gets_the_token(api: str) -> None:
    status, context = get(f"{api}/token", Authorization="friend")

    assert (status, context["type"]) == (200, "TOKEN")


def test_an_answer_is_remembered_by_its_identity(api: str) -> None:
    first, second, other = (get(f"{api}/cached", Who=who)[1]["asked"] for who in ("friend", "friend", "another"))

    assert first == second != other


@pytest.fixture(scope="module")
def imported(localstack: Any, api: str) -> str:
    """The URL of an API that was imported with its gateway responses."""
    method = {
        "responses": {},
        "security": [{"who": []}],
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": uri("greeter")},
    }
    asking = {"type": "request", "authorizerUri": uri("authorizer"), "identitySource": "method.request.header.Who"}
    who = {"type": "apiKey", "name": "Who", "in": "header"}
    template = (
        '{"said": "$context.authorizer.said", "no": "$context.authorizer.no", "why": $context.error.messageString}'
    )
    document = {
        "openapi": "3.0.1",
        "info": {"title": "denials", "version": "1"},
        "paths": {"/door": {"get": method}},
        "components": {
            "securitySchemes": {
                "who": who | {"x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": asking}
            }
        },
        "x-amazon-apigateway-gateway-responses": {
            "ACCESS_DENIED": {"statusCode": 401, "responseTemplates": {"application/json": template}}
        },
    }
    gateway = localstack.client("apigateway")
    api_id = gateway.import_rest_api(body=json.dumps(document).encode())["id"]
    gateway.create_deployment(restApiId=api_id, stageName="test")
    return f"{localstack.url}/_aws/execute-api/{api_id}/test"


def test_a_gateway_response_has_its_status_and_tells_what_the_authorizer_said(imported: str) -> None:
    why = "User is not authorized to access this resource"

    assert get(f"{imported}/door", Who="enemy") == (401, {"said": "enemy", "no": "", "why": why})
    assert get(f"{imported}/door", Who="stranger") == (401, {"message": "Unauthorized"})


ECHO = """
import base64, json

def handler(event, context):
    body = event["body"] or ""
    return {"statusCode": 200, "body": json.dumps({"body": body, "binary": event["isBase64Encoded"]})}
"""


@pytest.fixture(scope="module")
def echo(localstack: Any) -> str:
    """The URL of a path that answers with the body it gets."""
    localstack.create_function("echo", ECHO)
    gateway = localstack.client("apigateway")
    api_id = gateway.create_rest_api(name="echoes")["id"]
    [root] = gateway.get_resources(restApiId=api_id)["items"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri("echo"))
    gateway.create_deployment(restApiId=api_id, stageName="test")
    return f"{localstack.url}/_aws/execute-api/{api_id}/test"


JSON = '{"a": "b&c=d", "e": "%20+ü"}'
PARTS = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("label", "sent"),
    [
        ("application/json", JSON),
        ("text/plain", JSON),
        ("application/x-www-form-urlencoded", JSON),
        ("multipart/form-data; boundary=x", PARTS),
    ],
)
def test_a_body_arrives_as_it_was_sent_whatever_it_is_labelled(echo: str, label: str, sent: str) -> None:
    request = urllib.request.Request(f"{echo}/", sent.encode(), {"Content-Type": label})  # noqa: S310 - ours

    with urllib.request.urlopen(request) as response:  # noqa: S310 - ours
        assert json.loads(response.read()) == {"body": sent, "binary": False}


@pytest.fixture(scope="module")
def metered(localstack: Any, api: str) -> str:
    """The URL of an API whose calls count for the usage plan of the caller's key, which the authorizer says."""
    gateway = localstack.client("apigateway")
    api_id = gateway.create_rest_api(name="meter", apiKeySource="AUTHORIZER")["id"]
    [root] = gateway.get_resources(restApiId=api_id)["items"]
    asking = {"authorizerUri": uri("authorizer"), "identitySource": "method.request.header.Who"}
    authorizer = gateway.create_authorizer(restApiId=api_id, name="who", type="REQUEST", **asking)["id"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="CUSTOM", authorizerId=authorizer, apiKeyRequired=True)
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri("greeter"))
    gateway.create_deployment(restApiId=api_id, stageName="test")
    plan = gateway.create_usage_plan(name="friends", apiStages=[{"apiId": api_id, "stage": "test"}])["id"]
    key = gateway.create_api_key(name="friend", value="the-key-of-all-friends", enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return f"{localstack.url}/_aws/execute-api/{api_id}/test/"


def test_the_authorizer_may_say_the_api_key(metered: str) -> None:
    assert get(metered, Who="friend")[0] == 200
    assert get(metered, Who="another") == (403, {"message": "Forbidden"})
    assert get(metered, **{"Who": "another", "X-API-Key": "the-key-of-all-friends"})[0] == 403
