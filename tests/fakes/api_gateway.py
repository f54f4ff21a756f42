"""API Gateway in front of our functions: it asks the authorizer, remembers what that said, and passes it on."""

import json
from collections.abc import Callable
from typing import Any

from authorize.app import UnauthorizedError
from factories import LambdaContext, a_rest_event, a_socket_event

type Handler = Callable[[dict[str, Any], Any], Any]

_ARN = "arn:aws:execute-api:us-east-1:000000000000:api1/live"


class HandshakeRefused(Exception):
    """The status that a handshake was answered with."""


class FakeGateway:
    """Routes calls and messages to handlers as the template does.

    Attributes:
        routes: by method and path, or by a message's action, the handler.
        open: routes that take no token.
    """

    def __init__(self, authorizer: Handler, routes: dict[str, Handler], without_token: frozenset[str]) -> None:
        self.routes = routes
        self.open = without_token
        self._authorizer = authorizer
        self._remembered: dict[str, dict[str, Any]] = {}

    def call(
        self,
        token: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: object = None,
        parameters: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and answer of a REST call; the authorizer's answer is remembered by the header."""
        route = f"{method} {path}"
        event = a_rest_event(method, path, json.dumps(body) if body else "", query, parameters=parameters)
        event["requestContext"] |= {"requestId": "request-1", "authorizer": None}
        if route not in self.open:
            if not token:
                return 401, {"message": "Unauthorized"}
            try:
                said = self._asked(f"Bearer {token}", route)
            except UnauthorizedError:
                return 401, {"message": "Unauthorized"}
            [statement] = said["policyDocument"]["Statement"]
            if statement["Effect"] == "Deny":
                # As the gateway response ACCESS_DENIED has it.
                return 401, {name: said["context"][name] for name in ("code", "message")}
            event["requestContext"]["authorizer"] = said["context"]
        answer = self.routes[route](event, LambdaContext())
        return answer["statusCode"], json.loads(answer["body"])

    def connect(self, token: str, connection_id: str = "connection-1") -> "FakeConnection":
        """A connection; raises HandshakeRefused."""
        event = a_socket_event("$connect", "", connection_id)
        event["requestContext"] |= {"requestId": "request-1"}
        event |= {"methodArn": f"{_ARN}/$connect", "queryStringParameters": {"token": token}}
        try:
            whose = self._authorizer(event, LambdaContext())["context"]
        except UnauthorizedError:
            raise HandshakeRefused(401) from None
        connection = FakeConnection(self, connection_id, whose)
        answer = connection.send_on("$connect", "")
        if answer["statusCode"] != 200:
            raise HandshakeRefused(answer["statusCode"])
        return connection

    def _asked(self, header: str, route: str) -> dict[str, Any]:
        """What the authorizer has said."""
        if header not in self._remembered:
            event = {
                "methodArn": f"{_ARN}/{route.replace(' ', '')}",
                "headers": {"Authorization": header},
                "multiValueHeaders": {"Authorization": [header]},
                "requestContext": {"requestId": "request-1"},
            }
            self._remembered[header] = self._authorizer(event, LambdaContext())
        return self._remembered[header]


class FakeConnection:
    """A connection of somebody whom the authorizer knows."""

    def __init__(self, gateway: FakeGateway, connection_id: str, whose: dict[str, str]) -> None:
        self._gateway = gateway
        self._id = connection_id
        self._whose = whose

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """What a message is answered with."""
        action = message["action"]
        answer: dict[str, Any] = json.loads(
            self.send_on(action if action in self._gateway.routes else "$default", message)["body"]
        )
        return answer

    def send_on(self, route: str, message: object) -> Any:
        event = a_socket_event(route, message, self._id)
        event["requestContext"] |= {"requestId": "request-1", "authorizer": self._whose}
        return self._gateway.routes[route](event, LambdaContext())
