"""What somebody may have at most: connections, and calls of a usage plan; and what they are told beyond it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import boto3
import pytest
import redis

from adapters.registry import Registry
from e2e.sockets import connected
from e2e.support import Api, until
from factories import TESTER
from fleetglow import aws
from fleetglow.deployment import Deployment
from heatmap.access import principal
from minting import a_token

WITH_MANY_SCREENS = "with-many-screens"
# By then every connection should have ended, UTC milliseconds.
EVER = 99_999_999_999_999
EVERYBODY = 10_000


@pytest.fixture
def most(parameters: dict[str, str]) -> int:
    """Connections that somebody may have."""
    return int(parameters["MaxConnectionsPerPrincipal"])


@pytest.fixture
def registry(stack: Deployment, most: int) -> Iterator[Registry]:
    """Where connections of somebody are noted that nobody has opened, of as many as they may have all but one."""
    registry = Registry(redis.Redis.from_url(stack.redis_url))
    names = [f"screen-{n}" for n in range(most - 1)]
    somebody = principal(TESTER | {"sub": WITH_MANY_SCREENS, "expires_at": str(1_000 * int(time.time() + 600))})
    for name in names:
        registry.add(name, somebody)
    yield registry
    for name in names:
        registry.remove(name)


@pytest.fixture
def usage_plan(stack: Deployment) -> Iterator[Callable[[str], None]]:
    """Makes a usage plan with the key of those whose tokens name it."""
    gateway = boto3.client("apigateway", **aws.local(stack.endpoint_url))
    api = {"apiId": stack.outputs["RestApiId"], "stage": stack.outputs["RestApiStage"]}
    undo: list[Callable[[], object]] = []

    def make(name: str) -> None:
        throttle = {"rateLimit": 50, "burstLimit": 100}
        plan = gateway.create_usage_plan(name=name, apiStages=[api], throttle=throttle)["id"]
        undo.append(partial(gateway.delete_usage_plan, usagePlanId=plan))
        key = gateway.create_api_key(name=name, value=stack.outputs["UsageKeyPrefix"] + name, enabled=True)["id"]
        undo.append(partial(gateway.delete_api_key, apiKey=key))
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
        undo.append(partial(gateway.delete_usage_plan_key, usagePlanId=plan, keyId=key))

    yield make
    for each in reversed(undo):
        each()


async def open_socket(exits: AsyncExitStack, stack: Deployment, token: str) -> aiohttp.ClientWebSocketResponse:
    session = await exits.enter_async_context(aiohttp.ClientSession())
    return await exits.enter_async_context(session.ws_connect(stack.websocket_url, protocols=("fleetglow", token)))


async def test_somebody_with_as_many_connections_as_they_may_is_let_in_when_one_has_ended(
    stack: Deployment, registry: Registry
):
    somebody = stack.token("heatmap:read", WITH_MANY_SCREENS, 600)
    async with AsyncExitStack() as exits:
        last = await open_socket(exits, stack, somebody)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await open_socket(exits, stack, somebody)
        assert 429 == refused.value.status

        # Nobody else feels it, and neither do those who are in.
        async with connected(stack) as another:
            assert "ack" == (await another.ask({"action": "hello"}))["type"]
        await last.send_json({"action": "hello"})
        hello = await last.receive_json(timeout=20)
        assert "ack" == hello["type"]

        await last.close()
        until(lambda: hello["connection_id"] not in registry.overdue(EVER, EVERYBODY))
        await open_socket(exits, stack, somebody)


def test_a_token_with_a_usage_plan_of_its_own_counts_for_that_and_for_no_plan_there_is_none(
    stack: Deployment, secret: str, usage_plan: Callable[[str], None]
):
    usage_plan("acme")

    answers = {
        name: Api(stack.rest_url, a_token(secret, **claims)).call("GET", "/cities")[0]
        for name, claims in {
            "none": {},
            "acme": {"fleetglow_plan": "acme"},
            "unknown": {"fleetglow_plan": "nobody"},
        }.items()
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
