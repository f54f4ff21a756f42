"""Calling what stands behind a route, and reading its answer."""

import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from localstack_dockerless.websocket import policy
from localstack_dockerless.websocket.lambdas import FunctionFailed, LambdaClient, NotInvocable
from localstack_dockerless.websocket.routing import Authorizer, LambdaTarget, MockTarget

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a proxy integration returned: `{"statusCode", "headers"?, "body"?, "isBase64Encoded"?}`."""

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Why a handshake or a message was not served: an HTTP status for the handshake, a message for both."""

    def __init__(self, status: int, message: str, error_type: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.error_type = error_type


def forbidden() -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "Forbidden", "ForbiddenException")


def unauthorized() -> Refusal:
    return Refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized", "UnauthorizedException")


def too_many_requests() -> Refusal:
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", "LimitExceededException")


def _internal_error(status: HTTPStatus) -> Refusal:
    return Refusal(status, "Internal server error", "InternalServerErrorException")


async def call_integration(lambdas: LambdaClient, target: LambdaTarget | MockTarget | None, event: Any) -> Answer:
    """Raises Refusal: 500 if the function cannot be invoked, 502 if it fails or answers badly, 504 if too slow."""
    if isinstance(target, MockTarget):
        return Answer(target.status, target.body)
    if target is None:
        LOG.warning("route %s has no integration", event["requestContext"]["routeKey"])
        raise _internal_error(HTTPStatus.INTERNAL_SERVER_ERROR)
    try:
        return _read_answer(await lambdas.invoke(target.function_arn, event, target.timeout_s))
    except TimeoutError:
        LOG.warning("%s did not answer within %s s", target.function_arn, target.timeout_s)
        raise Refusal(
            HTTPStatus.GATEWAY_TIMEOUT, "Endpoint request timed out", "EndpointRequestTimedOutException"
        ) from None
    except NotInvocable as error:
        LOG.warning("cannot invoke %s", error)
        raise _internal_error(HTTPStatus.INTERNAL_SERVER_ERROR) from error
    except FunctionFailed as error:
        LOG.warning("%s: %s", target.function_arn, error)
        raise _internal_error(HTTPStatus.BAD_GATEWAY) from error
    except ValueError as error:
        LOG.warning("%s answered no proxy response: %s", target.function_arn, error)
        raise _internal_error(HTTPStatus.BAD_GATEWAY) from error


def _read_answer(answer: Any) -> Answer:
    """Raises ValueError."""
    if not isinstance(answer, dict):
        raise ValueError(f"expected an object with a statusCode, got {type(answer).__name__}")
    status, body, headers = answer.get("statusCode"), answer.get("body"), answer.get("headers") or {}
    if isinstance(status, bool) or not isinstance(status, str | int) or not 100 <= int(status) <= 599:
        raise ValueError(f"statusCode: expected 100 to 599, got {status!r}")
    if body is not None and not isinstance(body, str):
        raise ValueError(f"body: expected a string, got {type(body).__name__}")
    if not isinstance(headers, dict):
        raise ValueError(f"headers: expected an object, got {type(headers).__name__}")
    if body and answer.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(f"body: not the base64 of UTF-8 text: {error}") from error
    texts = {name: str(value) for name, value in headers.items() if value is not None}
    if any(char in f"{name}{value}" for name, value in texts.items() for char in "\r\n\0"):
        raise ValueError("headers: a line break in a header")
    return Answer(int(status), body, texts)


async def call_authorizer(
    lambdas: LambdaClient, authorizer: Authorizer, event: Mapping[str, Any], timeout_s: float
) -> dict[str, Any]:
    """The context for `requestContext.authorizer`. Raises Refusal: 401, 403, or 500 if the authorizer is at fault."""
    headers = {name.lower(): value for name, value in event["headers"].items()}
    query, variables = event["queryStringParameters"], event["stageVariables"]
    try:
        if policy.missing_identity_source(authorizer.identity_sources, headers, query, variables):
            raise unauthorized()
        answer = await lambdas.invoke(authorizer.function_arn, event, timeout_s)
        verdict = policy.read_answer(answer, event["methodArn"], simple=authorizer.simple_responses)
    except FunctionFailed as error:
        # The one message that an authorizer can raise to say no.
        if error.message == "Unauthorized":
            raise unauthorized() from error
        raise _authorizer_fault(authorizer, error) from error
    except (NotInvocable, TimeoutError, policy.MalformedAnswer, ValueError) as error:
        raise _authorizer_fault(authorizer, error) from error
    if not verdict.allowed:
        message = "User is not authorized to access this resource"
        raise Refusal(HTTPStatus.FORBIDDEN, message, "AccessDeniedException")
    return verdict.context


def _authorizer_fault(authorizer: Authorizer, error: Exception) -> Refusal:
    LOG.warning("authorizer %s: %s %s", authorizer.function_arn, type(error).__name__, error)
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error", "AuthorizerConfigurationException")
