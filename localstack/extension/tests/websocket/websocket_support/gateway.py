"""A gateway without LocalStack: the test is its control plane, and a FakeLambda its Lambda API."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from localstack_dockerless.websocket.routing import Authorizer, LambdaTarget, Route, Stage
from localstack_dockerless.websocket.server import serving
from localstack_dockerless.websocket.settings import BACKLOG, Settings
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


class RunningGateway:
    """A gateway on `port`; `set_stages` is what its control plane says."""

    def __init__(self, port: int, set_stages: Callable[..., None]) -> None:
        self.port = port
        self.set_stages = set_stages
        self.address = f"127.0.0.1:{port}"

    def url(self, path: str = "api/live") -> str:
        return f"ws://{self.address}/{path}"

    def management_url(self, path: str = "api/live") -> str:
        return f"http://{self.address}/{path}"

    async def health(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.address}/_health") as response:
            content: dict[str, Any] = await response.json()
            return content

    async def until_connections(self, count: int) -> None:
        async def reached() -> bool:
            return bool((await self.health())["connections"] == count)

        await until(reached)


@asynccontextmanager
async def running_gateway(lambdas: FakeLambda, *stages: Stage, **settings: Any) -> AsyncIterator[RunningGateway]:
    """In the process of the test. `settings` are fields of Settings."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        listener.setblocking(False)
        async with serving(listener, lambdas.url, Settings(**settings)) as gateway:
            gateway.set_stages(stages)
            yield RunningGateway(gateway.port, lambda *changed: gateway.set_stages(changed))


class GatewayProcess(RunningGateway):
    """A gateway in a process of its own, as LocalStack starts it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        super().__init__(port, self._send_stages)
        self.process = process

    def _send_stages(self, *stages: Stage) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([stage.to_json() for stage in stages]).encode() + b"\n")
        self.process.stdin.flush()

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def resident_mb(self) -> float:
        return resident_mb(self.process.pid)


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _start_process(lambda_url: str, environment: Mapping[str, str]) -> GatewayProcess:
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "localstack_dockerless.websocket", str(listener.fileno()), lambda_url],
            stdin=subprocess.PIPE,
            pass_fds=(listener.fileno(),),
            env={**os.environ, "PYTHONPATH": str(EXTENSION), **environment},
        )
        return GatewayProcess(process, listener.getsockname()[1])


@asynccontextmanager
async def gateway_process(lambdas: FakeLambda, *stages: Stage, **environment: str) -> AsyncIterator[GatewayProcess]:
    gateway = _start_process(lambdas.url, environment)
    try:
        gateway.set_stages(*stages)
        yield gateway
    finally:
        gateway.end_input()
        await asyncio.to_thread(gateway.process.wait, 10)
