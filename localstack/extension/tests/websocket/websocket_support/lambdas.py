"""A Lambda API that runs Python callables instead of functions."""

import inspect
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web

Function = Callable[[dict[str, Any]], Any]


class FunctionError(Exception):
    """What a function raised, as the Lambda API reports it."""


class FakeLambda:
    """`functions` maps a name to a callable that takes the event; `calls` is every (name, event) so far."""

    def __init__(self, **functions: Function) -> None:
        self.functions = functions
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/2015-03-31/functions/{arn}/invocations", self._invoke)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _invoke(self, request: web.Request) -> web.Response:
        name = unquote(request.match_info["arn"]).rpartition(":")[2]
        event = await request.json()
        self.calls.append((name, event))
        if name not in self.functions:
            return web.json_response({"message": "Function not found"}, status=404)
        try:
            answer = self.functions[name](event)
            if inspect.isawaitable(answer):
                answer = await answer
        except FunctionError as error:
            content = {"errorMessage": str(error), "errorType": "Exception"}
            return web.json_response(content, headers={"X-Amz-Function-Error": "Unhandled"})
        return web.json_response(answer)

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """Those of the type CONNECT, MESSAGE or DISCONNECT."""
        return [event for _, event in self.calls if event["requestContext"]["eventType"] == event_type]


def ok(_event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200}


def echo(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": event.get("body")}
