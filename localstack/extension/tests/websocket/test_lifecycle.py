"""The gateway lives as long as LocalStack does, not longer and not shorter."""

import os
import signal
import time
import urllib.error
from pathlib import Path

import aiohttp
import pytest
from websocket_support.localstack import LocalStack
from websocket_support.polling import until


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


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
async def test_the_gateway_ends_with_localstack(tmp_path: Path, sig: signal.Signals) -> None:
    localstack = LocalStack(tmp_path)
    try:
        pid = localstack.gateway_health()["pid"]
    finally:
        localstack.stop(sig)
    await until(lambda: not is_running(pid))
    with pytest.raises(urllib.error.URLError):
        localstack.gateway_health()
