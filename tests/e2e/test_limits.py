"""What somebody may have at most: connections, and calls of a usage plan; and what they are told beyond it."""

import time
from contextlib import AsyncExitStack

import aiohttp
import boto3
import pytest
import redis

from e2e.sockets import connected
from e2e.support import Api, until
from fleetglow import aws
from fleetglow.deployment import LOCAL_PARAMETERS, Deployment
from minting import a_token

MOST = int(LOCAL_PARAMETERS["MaxConnectionsPerPrincipal"])


async def open_socket(exits: AsyncExitStack, stack: Deployment, token: str) -> aiohttp.ClientWebSocketResponse:
    session = await exits.enter_async_context(aiohttp.ClientSession())
    return await exits.enter_async_context(session.ws_connect(stack.websocket_url, protocols=("fleetglow", token)))


async def test_somebody_with_as_many_connections_as_they_may_is_let_in_when_one_has_ended(stack: Deployment):
    somebody = stack.token("heatmap:read", "with-many-screens", 600)
    registry = redis.Redis.from_url(stack.redis_url)
    ends = 1000 * int(time.time() + 600)
    # Instead of opening thousands: connections that somebody is known to have, of which one is missing.
    others = {f"screen-{n}": ends for n in range(MOST - 1)}
    registry.zadd("connections:of:with-many-screens", others)
    records = registry.pipeline()
    for name in others:
        records.hset(f"connection:{name}", "who", "with-many-screens")
        records.expire(f"connection:{name}", 60)
    records.execute()
    async with AsyncExitStack() as exits:
        last = await open_socket(exits, stack, somebody)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await open_socket(exits, stack, somebody)
        assert 429 == refused.value.status

        # Nobody else feels it, and neither do those who are in.
        async with connected(stack) as another:
            assert "ack" == (await another.ask({"action": "hello"}))["type"]
        await last.send_json({"action": "hello"})
        assert "ack" == (await last.receive_json(timeout=20))["type"]

        await last.close()
        until(lambda: registry.zcard("connections:of:with-many-screens") == MOST - 1)
        await open_socket(exits, stack, somebody)


def test_a_token_with_a_usage_plan_of_its_own_counts_for_that_and_for_no_plan_there_is_none(
    stack: Deployment, secret: str
):
    gateway = boto3.client("apigateway", **aws.local(stack.endpoint_url))
    api = {"apiId": stack.outputs["RestApiId"], "stage": stack.outputs["RestApiStage"]}
    plan = gateway.create_usage_plan(name="acme", apiStages=[api], throttle={"rateLimit": 50, "burstLimit": 100})
    key = gateway.create_api_key(name="acme", value=stack.outputs["UsageKeyPrefix"] + "acme", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")

    answers = {
        name: Api(stack.rest_url, a_token(secret, **claims)).call("GET", "/cities")[0]
        for name, claims in {"none": {}, "acme": {"plan": "acme"}, "unknown": {"plan": "nobody"}}.items()
    }

    assert {"none": 200, "acme": 200, "unknown": 403} == answers


def test_a_token_that_is_over_is_told_apart_from_one_that_is_forged_the_first_time_and_the_next(
    stack: Deployment, secret: str
):
    over = int(time.time()) - 60
    forged = a_token("another secret, just as long as the first one", exp=over)

    told = {
        name: [Api(stack.rest_url, token).call("GET", "/cities") for _ in range(2)]
        for name, token in {"over": a_token(secret, exp=over), "forged": forged}.items()
    }

    message = "token: expected one that is still valid, got one that has expired"
    assert [(401, {"code": "expired", "message": message})] * 2 == told["over"]
    assert [(401, {"message": "Unauthorized"})] * 2 == told["forged"]
