"""The gateway does not live shorter than LocalStack; that it does not live longer is in `tests/test_lifecycle.py`."""

import os
import signal
import time

import aiohttp
from websocket_support.localstack import LocalStack


def deploy_api(localstack: LocalStack) -> str:
    """An API that accepts everyone; its URL."""
    api = localstack.client("apigatewayv2")
    created = api.create_api(Name="test", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    api.create_stage(ApiId=created["ApiId"], StageName="live", AutoDeploy=True)
    return f"{created['ApiEndpoint']}/live"


async def test_a_gateway_that_is_killed_is_back_within_a_second_or_two(
    localstack: LocalStack, http: aiohttp.ClientSession
) -> None:
    url, before = deploy_api(localstack), localstack.gateway_health()["pid"]
    async with http.ws_connect(url) as client:
        os.kill(before, signal.SIGKILL)
        assert (await client.receive(timeout=5)).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    # Whoever comes in the meantime waits, and is not refused.
    started = time.monotonic()
    async with http.ws_connect(url):
        assert localstack.gateway_health()["pid"] != before
    assert time.monotonic() - started < 5
