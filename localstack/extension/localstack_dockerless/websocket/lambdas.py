"""Invoking Lambda functions through the Lambda API of LocalStack."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

# Below the idle time-out of LocalStack's own server, which would otherwise close a connection just as we reuse it.
KEEP_ALIVE_S = 3.0


class FunctionFailed(Exception):
    """The function raised, ended, or timed out. `error` is its payload: {"errorMessage", "errorType", …}."""

    def __init__(self, error: Any) -> None:
        super().__init__(f"function failed: {error}")
        self.message = error.get("errorMessage") if isinstance(error, dict) else None


class NotInvocable(Exception):
    """The Lambda API refused the invocation: no such function, throttled, unavailable."""


class LambdaClient:
    """At most `concurrency` invocations at a time, since each may start a process on this machine; the others wait."""

    def __init__(self, endpoint_url: str, concurrency: int) -> None:
        self._endpoint_url = endpoint_url
        self._slots = asyncio.Semaphore(concurrency)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=KEEP_ALIVE_S),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def close(self) -> None:
        await self._session.close()

    async def invoke(self, function_arn: str, event: Any, timeout_s: float) -> Any:
        """The decoded answer. Raises FunctionFailed, NotInvocable, or TimeoutError (waiting for a slot counts)."""
        async with asyncio.timeout(timeout_s), self._slots:
            try:
                return await self._invoke(function_arn, json.dumps(event).encode())
            except (aiohttp.ClientError, OSError) as error:
                raise NotInvocable(f"{function_arn}: {error}") from error

    async def _invoke(self, function_arn: str, payload: bytes) -> Any:
        url = URL(f"{self._endpoint_url}/2015-03-31/functions/{quote(function_arn, safe='')}/invocations", encoded=True)
        _, _, _, region, account, *_ = function_arn.split(":")
        # LocalStack takes the account and the region from here, and checks no signature.
        scope = f"Credential={account}/20200101/{region}/lambda/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}
        async with self._session.post(url, data=payload, headers=headers) as response:
            body = await response.read()
            if response.status != 200:
                raise NotInvocable(f"{function_arn}: status {response.status} {body[:300]!r}")
            answer = json.loads(body) if body else None
            if "X-Amz-Function-Error" in response.headers:
                raise FunctionFailed(answer)
            return answer
