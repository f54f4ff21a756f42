"""How the gateway invokes functions: by a way of its own into LocalStack, with requests of the Lambda API."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from websocket_support.localstack import LocalStack
from websocket_support.polling import until
from yarl import URL

CODE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    return {"event": event, "arn": context.invoked_function_arn}
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:invoked"


@pytest.fixture(scope="module")
def function(localstack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its ARN."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "app.py").write_text(CODE)
    localstack.upload_code("code-of-invoked", "app.zip", folder)
    localstack.client("lambda").create_function(
        FunctionName="invoked",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"S3Bucket": "code-of-invoked", "S3Key": "app.zip"},
        Publish=True,
    )
    return ARN


@pytest.fixture
def address(localstack: LocalStack) -> str:
    """What the gateway was given."""
    return Path(f"/proc/{localstack.gateway_health()['pid']}/cmdline").read_text().split("\0")[-2]


@pytest.fixture
async def lambda_api(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(address) as session:
        yield session


async def invoke(
    lambda_api: aiohttp.ClientSession, function_arn: str, body: bytes = b"{}"
) -> tuple[int, str | None, object]:
    """Status, X-Amz-Function-Error and the answer."""
    url = URL(f"/2015-03-31/functions/{quote(function_arn, safe='')}/invocations", encoded=True)
    async with lambda_api.post(url, data=body) as response:
        return response.status, response.headers.get("X-Amz-Function-Error"), json.loads(await response.read())


async def test_a_function_gets_its_event_and_answers(lambda_api: aiohttp.ClientSession, function: str) -> None:
    for number in range(20):
        event = {"number": number}
        answer = (200, None, {"event": event, "arn": function})
        assert answer == await invoke(lambda_api, function, json.dumps(event).encode())


async def test_a_version_can_be_named(lambda_api: aiohttp.ClientSession, function: str) -> None:
    status, _, answer = await invoke(lambda_api, f"{function}:1")
    assert (200, {"event": {}, "arn": f"{function}:1"}) == (status, answer)


async def test_a_function_that_fails_is_told_from_one_that_answers(
    lambda_api: aiohttp.ClientSession, function: str
) -> None:
    status, error, answer = await invoke(lambda_api, function, b'{"fail": true}')
    assert (status, error) == (200, "Unhandled")
    assert isinstance(answer, dict)
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "as asked")


async def test_what_an_invocation_prints_is_logged(
    localstack: LocalStack, lambda_api: aiohttp.ClientSession, function: str
) -> None:
    await invoke(lambda_api, function)

    def logged() -> set[str]:
        events = localstack.client("logs").filter_log_events(logGroupName="/aws/lambda/invoked")["events"]
        return {event["message"].split()[0] for event in events}

    await until(lambda: {"START", "END", "REPORT"} <= logged())


@pytest.mark.parametrize("arn", [f"{ARN}-unknown", f"{ARN}:99"])
async def test_a_function_that_does_not_exist_is_not_found(
    lambda_api: aiohttp.ClientSession, function: str, arn: str
) -> None:
    status, _, answer = await invoke(lambda_api, arn)
    assert status == 404
    assert isinstance(answer, dict)
    assert answer["message"].startswith(f"ResourceNotFoundException: Function not found: {arn}")


async def test_what_is_no_arn_is_refused(lambda_api: aiohttp.ClientSession) -> None:
    assert await invoke(lambda_api, "invoked") == (
        400,
        None,
        {"message": "expected the ARN of a function, got invoked"},
    )


async def test_an_event_over_6_mb_is_refused(lambda_api: aiohttp.ClientSession, function: str) -> None:
    event = json.dumps("x" * (6 * 1024 * 1024)).encode()
    status, _, answer = await invoke(lambda_api, function, event)
    assert (status, answer) == (413, {"message": "expected no more than 6291456 bytes"})


async def test_nothing_else_is_served(lambda_api: aiohttp.ClientSession) -> None:
    async with lambda_api.get("/2015-03-31/functions") as response:
        assert response.status == 404
        assert (await response.json())["message"].startswith("expected POST /2015-03-31/functions/<ARN>/invocations")
