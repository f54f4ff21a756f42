"""Lambda's Invoke for the WebSocket gateway, straight to LocalStack's Lambda service.

Through LocalStack's own server an invocation passes some thirty handlers, a parser and a serializer, which take it 2 ms
of processor time; without them it takes 0.7 ms. This server understands the same requests, of synchronous invocations,
and nothing else: `POST /2015-03-31/functions/<ARN>/invocations` on a loopback port of its own.
"""

import json
import socket
import threading
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

from localstack.aws.api import ServiceException
from localstack.services.lambda_.invocation.execution_environment import EnvironmentStartupTimeoutException
from localstack.services.plugins import SERVICE_PLUGINS

from localstack_dockerless.lambda_limits import SYNCHRONOUS_EVENT_BYTES
from localstack_dockerless.websocket import http

RECEIVE_BYTES = 256 * 1024
PREFIX, SUFFIX = "/2015-03-31/functions/", "/invocations"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class InvocationServer:
    """A thread per connection: its client has no more of them than it invokes functions at a time."""

    def __init__(self) -> None:
        self._listener = socket.socket()

    @property
    def url(self) -> str:
        """Once it has been started."""
        host, port = self._listener.getsockname()
        return f"http://{host}:{port}"

    def start(self) -> None:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        threading.Thread(target=self._accept, name="invocation-server", daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(connection,), name="invocations", daemon=True).start()


def _serve(connection: socket.socket) -> None:
    """Answer the requests of one connection until its end."""
    parser = http.RequestParser(SYNCHRONOUS_EVENT_BYTES)
    with connection:
        try:
            while data := connection.recv(RECEIVE_BYTES):
                parser.feed(data)
                while (request := parser.next_request()) is not None:
                    answer = _answer(request)
                    connection.sendall(http.response(answer.status, answer.body, answer.headers))
        except http.HttpError as error:
            connection.sendall(http.json_response(error.status, {"message": error.message}, keep_alive=False))
        except ConnectionError:
            return


def _answer(request: http.Request) -> Answer:
    path = request.target
    if request.method != "POST" or not path.startswith(PREFIX) or not path.endswith(SUFFIX):
        return _refusal(HTTPStatus.NOT_FOUND, f"expected POST {PREFIX}<ARN>{SUFFIX}, got {request.method} {path}")
    if request.body is None:
        return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected no more than {SYNCHRONOUS_EVENT_BYTES} bytes")
    return _invoke(unquote(path.removeprefix(PREFIX).removesuffix(SUFFIX)), request.body)


def _invoke(function_arn: str, payload: bytes) -> Answer:
    # arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]
    parts = function_arn.split(":")
    if len(parts) not in {7, 8}:
        return _refusal(HTTPStatus.BAD_REQUEST, f"expected the ARN of a function, got {function_arn}")
    service = SERVICE_PLUGINS.require("lambda")._provider.lambda_service
    try:
        result = service.invoke(
            function_name=parts[6],
            qualifier=parts[7] if len(parts) == 8 else None,
            region=parts[3],
            account_id=parts[4],
            invocation_type="RequestResponse",
            client_context=None,
            request_id=str(uuid.uuid4()),
            payload=payload,
        )
    except ServiceException as error:
        return _refusal(error.status_code, f"{error.code}: {error.message}")
    except EnvironmentStartupTimeoutException:
        return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "timeout while starting the execution environment")
    headers = {"X-Amz-Function-Error": "Unhandled"} if result.is_error else {}
    return Answer(HTTPStatus.OK, result.payload or b"", headers)


def _refusal(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"message": message}).encode(), {"Content-Type": "application/json"})
