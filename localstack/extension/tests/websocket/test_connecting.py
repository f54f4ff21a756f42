"""Handshakes: what `$connect` and its authorizer decide, with what they are asked."""

import asyncio
from typing import Any

import aiohttp
import pytest
from websocket_support.gateway import authorizer, running_gateway, stage, target
from websocket_support.lambdas import FakeLambda, FunctionError, ok
from websocket_support.rawclient import connect, shake_hands

from localstack_dockerless.websocket.routing import MockTarget, Route

METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:api/live/$connect"


def policy_of(effect: str, resource: str = METHOD_ARN, **more: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "ann", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, **more}


def raises(message: str) -> Any:
    def function(_event: dict[str, Any]) -> None:
        raise FunctionError(message)

    return function


async def test_an_api_without_a_connect_route_accepts_everyone() -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({})) as gateway:
        async with await connect(gateway.url()):
            await gateway.until_connections(1)
        await gateway.until_connections(0)


async def test_the_connect_event_has_the_handshake() -> None:
    routes = {"$connect": Route(target("join"))}
    async with FakeLambda(join=ok) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        headers = {"User-Agent": "test", "X-Two": "b"}
        async with await connect(gateway.url("api/live?room=blue&x=1&x=2%20y&empty="), headers):
            [(name, event)] = lambdas.calls
    assert name == "join"
    assert event["queryStringParameters"] == {"room": "blue", "x": "2 y", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"room": ["blue"], "x": ["1", "2 y"], "empty": [""]}
    assert (event["headers"]["X-Two"], event["multiValueHeaders"]["X-Two"]) == ("b", ["b"])
    assert (event["headers"]["X-Forwarded-For"], event["headers"]["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert event["isBase64Encoded"] is False
    assert "body" not in event
    assert "stageVariables" not in event
    context = event["requestContext"]
    assert {
        "routeKey",
        "eventType",
        "extendedRequestId",
        "requestTime",
        "messageDirection",
        "stage",
        "connectedAt",
        "requestTimeEpoch",
        "identity",
        "requestId",
        "domainName",
        "connectionId",
        "apiId",
    } == context.keys()
    assert (context["routeKey"], context["eventType"], context["messageDirection"]) == ("$connect", "CONNECT", "IN")
    assert ("api", "live", f"{gateway.address}/api") == (context["apiId"], context["stage"], context["domainName"])
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "test"}


async def test_an_event_without_a_query_has_no_query_fields() -> None:
    routes = {"$connect": Route(target("join"))}
    async with (
        FakeLambda(join=ok) as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        await connect(gateway.url()),
    ):
        [(_, event)] = lambdas.calls
    assert "queryStringParameters" not in event


async def test_stage_variables_are_in_every_event() -> None:
    routes = {"$connect": Route(target("join")), "$default": Route(target("join"))}
    live = stage(routes, variables={"color": "blue"})
    async with FakeLambda(join=ok) as lambdas, running_gateway(lambdas, live) as gateway:
        async with aiohttp.ClientSession() as session, session.ws_connect(gateway.url()) as client:
            await client.send_str("hi")
        await gateway.until_connections(0)
    assert [event["stageVariables"] for _, event in lambdas.calls] == [{"color": "blue"}, {"color": "blue"}]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 200}, 101),
        ({"statusCode": "204"}, 101),
        ({"statusCode": 401}, 401),
        ({"statusCode": 302}, 302),
        ({"statusCode": 503, "body": "full"}, 503),
        (None, 502),
        ("yes", 502),
        ({}, 502),
        ({"statusCode": "ok"}, 502),
        ({"statusCode": 200, "body": {"a": 1}}, 502),
        ({"statusCode": 200, "headers": {"X": "a\r\nY: b"}}, 502),
    ],
)
async def test_the_connect_route_decides_with_its_status(answer: Any, status: int) -> None:
    routes = {"$connect": Route(target("join"))}
    async with FakeLambda(join=lambda _: answer) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        client = await shake_hands(gateway.url())
        assert status == client.answer.status
        assert (status == 101) == ((await gateway.health())["connections"] == 1)


async def test_a_refusal_says_who_was_refused() -> None:
    routes = {"$connect": Route(target("join"))}
    lambdas = FakeLambda(join=lambda _: {"statusCode": 403, "body": "members only"})
    async with lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        answer = (await shake_hands(gateway.url())).answer
    assert {"message", "connectionId", "requestId"} == answer.json().keys()
    assert answer.json()["message"] == "members only"
    assert answer.headers["x-amzn-requestid"] == answer.json()["requestId"]


@pytest.mark.parametrize(
    ("function", "status"), [(raises("boom"), 502), (lambda _: asyncio.sleep(5), 504), (None, 500)]
)
async def test_a_connect_route_that_fails_refuses(function: Any, status: int) -> None:
    functions = {"join": function} if function is not None else {}
    routes = {"$connect": Route(target("join", timeout_s=0.3))}
    async with FakeLambda(**functions) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        assert status == (await shake_hands(gateway.url())).answer.status


async def test_headers_of_the_connect_route_are_in_the_handshake() -> None:
    answer = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "chat.v2", "X-Served-By": "me", "Upgrade": "x"}}
    routes = {"$connect": Route(target("join"))}
    async with FakeLambda(join=lambda _: answer) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(gateway.url(), protocols=["chat.v1", "chat.v2"]) as client,
        ):
            assert client.protocol == "chat.v2"
        raw = await connect(gateway.url())
    assert (raw.answer.headers["x-served-by"], raw.answer.headers["upgrade"]) == ("me", "websocket")


async def test_no_extension_is_agreed() -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({})) as gateway:
        client = await connect(gateway.url(), {"Sec-WebSocket-Extensions": "permessage-deflate"})
        assert "sec-websocket-extensions" not in client.answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Sec-WebSocket-Version": "8"}, 426), ({"Sec-WebSocket-Key": "short"}, 400), ({"Upgrade": "h2c"}, 403)],
)
async def test_a_handshake_that_is_none_is_refused(headers: dict[str, str], status: int) -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({})) as gateway:
        assert status == (await shake_hands(gateway.url(), headers)).answer.status


@pytest.mark.parametrize("path", ["api/other", "other/live", "api", "", "api/live/more"])
async def test_a_path_that_is_no_stage_is_forbidden(path: str) -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas, stage({})) as gateway:
        answer = (await shake_hands(gateway.url(path))).answer
        assert (answer.status, answer.json()["message"]) == (403, "Forbidden")


async def test_a_stage_that_comes_a_moment_later_is_found() -> None:
    async with FakeLambda() as lambdas, running_gateway(lambdas) as gateway:
        handshake = asyncio.create_task(shake_hands(gateway.url()))
        gateway.set_stages(stage({}))
        assert (await handshake).answer.status == 101


async def test_connections_of_a_stage_that_is_deleted_are_closed() -> None:
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage({})) as gateway,
        await connect(gateway.url()) as client,
    ):
        await gateway.until_connections(1)
        gateway.set_stages()
        closed = await client.receive()
        assert closed is not None
        assert closed.close_code == 1001


async def test_a_mock_integration_needs_no_function() -> None:
    routes = {"$connect": Route(MockTarget(200, None)), "$default": Route(MockTarget(200, "hello"), responds=True)}
    async with (
        FakeLambda() as lambdas,
        running_gateway(lambdas, stage(routes)) as gateway,
        await connect(gateway.url()) as client,
    ):
        await client.send(b"anything")
        answer = await client.receive()
        assert answer is not None
        assert answer.payload == b"hello"


# --- authorizers


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (lambda _: policy_of("Allow"), 101),
        (lambda _: policy_of("Allow", "arn:aws:execute-api:*:*:api/*/$connect"), 101),
        (lambda _: policy_of("Deny"), 403),
        (lambda _: policy_of("Allow", METHOD_ARN.replace("live", "test")), 403),
        (raises("Unauthorized"), 401),
        (raises("unauthorized"), 500),
        (lambda _: {"principalId": "ann"}, 500),
        (lambda _: None, 500),
        (lambda _: {"isAuthorized": True}, 500),
        (None, 500),
    ],
)
async def test_the_authorizer_decides(function: Any, status: int) -> None:
    functions = {"guard": function} if function is not None else {}
    routes = {"$connect": Route(target("join"), authorizer("guard"))}
    async with FakeLambda(join=ok, **functions) as lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        assert status == (await shake_hands(gateway.url())).answer.status
        asked = [name for name, _ in lambdas.calls]
    assert (["guard", "join"] if status == 101 else ["guard"]) == asked


@pytest.mark.parametrize(("authorized", "status"), [(True, 101), (False, 403)])
async def test_a_simple_response_decides_where_it_is_enabled(authorized: bool, status: int) -> None:
    routes = {"$connect": Route(target("join"), authorizer("guard", simple=True))}
    lambdas = FakeLambda(join=ok, guard=lambda _: {"isAuthorized": authorized})
    async with lambdas, running_gateway(lambdas, stage(routes)) as gateway:
        assert status == (await shake_hands(gateway.url())).answer.status


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("api/live?token=x", {"Authorization": "y"}, 101),
        ("api/live?token=x", {"authorization": "y"}, 101),
        ("api/live?token=x", {}, 401),
        ("api/live?token=", {"Authorization": "y"}, 401),
        ("api/live", {"Authorization": "y"}, 401),
    ],
)
async def test_without_its_identity_sources_the_authorizer_is_not_asked(
    path: str, headers: dict[str, str], status: int
) -> None:
    guard = authorizer("guard", "route.request.header.Authorization", "route.request.querystring.token")
    lambdas = FakeLambda(join=ok, guard=lambda _: policy_of("Allow"))
    async with lambdas, running_gateway(lambdas, stage({"$connect": Route(target("join"), guard)})) as gateway:
        answer = (await shake_hands(gateway.url(path), headers)).answer
    assert status == answer.status
    assert (status == 101) == bool(lambdas.calls)


async def test_the_authorizer_sees_the_handshake_and_its_context_goes_on() -> None:
    routes = {
        "$connect": Route(target("join"), authorizer("guard")),
        "$disconnect": Route(target("join")),
        "$default": Route(target("join")),
    }
    lambdas = FakeLambda(join=ok, guard=lambda _: policy_of("Allow", context={"role": "admin", "level": 3}))
    async with lambdas, running_gateway(lambdas, stage(routes, variables={"v": "1"})) as gateway:
        async with aiohttp.ClientSession() as session, session.ws_connect(gateway.url("api/live?t=1")) as client:
            await client.send_str("hi")
        await gateway.until_connections(0)
        async with aiohttp.ClientSession() as session, session.ws_connect(gateway.url("api/live?t=1")):
            pass
    asked = lambdas.calls[0][1]
    assert (asked["type"], asked["methodArn"]) == ("REQUEST", METHOD_ARN)
    assert (asked["queryStringParameters"], asked["stageVariables"]) == ({"t": "1"}, {"v": "1"})
    assert "authorizer" not in asked["requestContext"]
    later = [event["requestContext"]["authorizer"] for name, event in lambdas.calls if name == "join"]
    assert len(later) >= 3
    for context in later:
        assert isinstance(context.pop("integrationLatency"), int)
        assert context == {"principalId": "ann", "role": "admin", "level": "3"}
    # Nothing is cached: each connection asks.
    assert len([name for name, _ in lambdas.calls if name == "guard"]) == 2
