"""A gateway process without LocalStack: the test is its control plane, and a FakeLambda its Lambda API."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from localstack_dockerless.websocket.routing import Authorizer, LambdaTarget, Route, Stage

from websocket_support.lambdas import FakeLambda
from websocket_support.polling import until

EXTENSION = Path(__file__).parents[3]


def target(name: str, timeout_s: float = 29.0) -> LambdaTarget:
    return LambdaTarget(f"arn:aws:lambda:us-east-1:000000000000:function:{name}", timeout_s)


def authorizer(name: str, *sources: str, simple: bool = False) -> Authorizer:
    return Authorizer(target(name).function_arn, sources, simple)


def stage(
    routes: Mapping[str, Route], name: str = "live", variables: Mapping[str, str] | None = None, api_id: str = "api"
) -> Stage:
    return Stage(api_id, name, "000000000000", "us-east-1", "$request.body.action", routes, variables or {})


class Gateway:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.address = f"127.0.0.1:{port}"

    def url(self, path: str = "api/live") -> str:
        return f"ws://{self.address}/{path}"

    def management_url(self, path: str = "api/live") -> str:
        return f"http://{self.address}/{path}"

    def set_stages(self, *stages: Stage) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([stage.to_json() for stage in stages]).encode() + b"\n")
        self.process.stdin.flush()

    async def health(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.address}/_health") as response:
            content: dict[str, Any] = await response.json()
            return content

    async def until_connections(self, count: int) -> None:
        async def reached() -> bool:
            return (await self.health())["connections"] == count

        await until(reached)

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def running_gateway(lambdas: FakeLambda, *stages: Stage, **settings: object) -> AsyncIterator[Gateway]:
    """`settings` are the gateway's environment variables without their prefix, as in `idle_seconds=1`."""
    environment = {f"WEBSOCKET_{name.upper()}": str(value) for name, value in settings.items()}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "localstack_dockerless.websocket", str(listener.fileno()), lambdas.url],
            stdin=subprocess.PIPE,
            pass_fds=(listener.fileno(),),
            env={**os.environ, "PYTHONPATH": str(EXTENSION), **environment},
        )
    gateway = Gateway(process, port)
    try:
        gateway.set_stages(*stages)
        yield gateway
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.to_thread(process.wait, 10)
