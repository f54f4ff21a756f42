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
        "context": {"asked": asked, "type": event["type"]},
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
