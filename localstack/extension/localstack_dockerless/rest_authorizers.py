"""Lambda authorizers of REST APIs, which LocalStack's free edition stores and does not ask.

TOKEN and REQUEST authorizers, with identity sources (401 when one is missing), the policy evaluated for the method that
is called (403 on a deny), the context in `requestContext.authorizer`, and answers cached as long as
`authorizerResultTtlInSeconds` says. An authorizer that fails is a 500, unless it fails with the word "Unauthorized".
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from localstack.aws.connect import connect_to
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    AccessDeniedError,
    AuthorizerConfigurationError,
    UnauthorizedError,
)
from localstack.services.apigateway.next_gen.execute_api.handlers import preprocess_request
from localstack.utils.aws.arns import extract_region_from_arn

from localstack_dockerless.websocket.policy import MalformedAnswer, Verdict, missing_identity_source, read_answer

DEFAULT_TTL_S = 300
DENIED = "User is not authorized to access this resource"

# LocalStack's RestApiInvocationContext. Each of its fields may be None by its type; here, after routing, all are set.
type Context = Any

_FUNCTION_ARN = re.compile(r"functions/(arn:[^/]+)/invocations$")


def install() -> None:
    """Ask authorizers from now on, at the place that LocalStack keeps for such handlers."""
    preprocess_request.append(RestAuthorizers())  # type: ignore[arg-type]  # any callable of three will do


class RestAuthorizers:
    """A handler in LocalStack's chain for REST calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # (API, authorizer, identity) -> when it expires, and what the authorizer said.
        self._answers: dict[tuple[str, str, tuple[str, ...]], tuple[float, Any]] = {}

    def __call__(self, _chain: object, context: Context, _response: object) -> None:
        method = context.resource_method or {}
        if method.get("authorizationType") != "CUSTOM":
            return
        authorizer = context.deployment.rest_api.authorizers.get(method.get("authorizerId"))
        if authorizer is None:
            raise AuthorizerConfigurationError
        try:
            verdict = self._verdict(context, authorizer)
        except MalformedAnswer as error:
            raise AuthorizerConfigurationError from error
        # Also for the gateway response to one that is denied.
        context.context_variables["authorizer"] = verdict.context
        if not verdict.allowed:
            raise AccessDeniedError(DENIED)
        # Where methods want an API key and it is the authorizer who has to say it.
        context.context_variables["identity"]["apiKey"] = verdict.usage_key

    def _verdict(self, context: Context, authorizer: Mapping[str, Any]) -> Verdict:
        identity = _identity(context, authorizer)
        arn = _method_arn(context)
        ttl_s = authorizer.get("authorizerResultTtlInSeconds")
        ttl_s = DEFAULT_TTL_S if ttl_s is None else int(ttl_s)
        key = (str(context.api_id), str(authorizer["id"]), identity)
        with self._lock:
            expires, answer = self._answers.get(key, (0.0, None))
        if time.monotonic() >= expires:
            answer = _ask(authorizer, _event(context, authorizer, arn, identity))
            # Without identity sources there is nothing that an answer could be remembered by.
            if ttl_s and identity:
                with self._lock:
                    now = time.monotonic()
                    self._answers = {known: each for known, each in self._answers.items() if each[0] > now}
                    self._answers[key] = (now + ttl_s, answer)
        return read_answer(answer, arn)


def _identity(context: Context, authorizer: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the identity sources; raises UnauthorizedError if one is missing."""
    request = context.invocation_request
    headers = {name.lower(): value for name, value in request["headers"].items()}
    query = request["query_string_parameters"] or {}
    variables = context.stage_variables or {}
    listed = (authorizer.get("identitySource") or "").split(",")
    sources = [source.strip().removeprefix("method.") for source in listed if source.strip()]
    if missing_identity_source(sources, headers, query, variables):
        raise UnauthorizedError("Unauthorized")
    values = []
    for source in sources:
        kind, _, name = source.removeprefix("request.").partition(".")
        known = {"header": headers.get(name.lower()), "querystring": query.get(name)}
        values.append(str(known.get(kind, variables.get(name))))
    return tuple(values)


def _method_arn(context: Context) -> str:
    request = context.invocation_request
    path = request["path"].lstrip("/")
    api = f"arn:aws:execute-api:{context.region}:{context.account_id}:{context.api_id}"
    return f"{api}/{context.stage}/{request['http_method']}/{path}"


def _event(
    context: Context, authorizer: Mapping[str, Any], method_arn: str, identity: tuple[str, ...]
) -> dict[str, Any]:
    if authorizer["type"] == "TOKEN":
        return {"type": "TOKEN", "methodArn": method_arn, "authorizationToken": identity[0]}
    request = context.invocation_request
    headers = request["headers"]
    return {
        "type": "REQUEST",
        "methodArn": method_arn,
        "resource": context.resource["path"],
        "path": request["path"],
        "httpMethod": request["http_method"],
        "headers": dict(headers),
        "multiValueHeaders": {name: headers.getlist(name) for name in headers.keys()},  # noqa: SIM118 - not a dict
        "queryStringParameters": request["query_string_parameters"] or {},
        "multiValueQueryStringParameters": request["multi_value_query_string_parameters"] or {},
        "pathParameters": request["path_parameters"] or {},
        "stageVariables": context.stage_variables or {},
        "requestContext": context.context_variables,
    }


def _ask(authorizer: Mapping[str, Any], event: Mapping[str, Any]) -> Any:
    match = _FUNCTION_ARN.search(authorizer.get("authorizerUri") or "")
    if match is None:
        raise AuthorizerConfigurationError
    arn = match[1]
    client = connect_to(region_name=extract_region_from_arn(arn)).lambda_
    answer = client.invoke(FunctionName=arn, Payload=json.dumps(event).encode())
    said = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        if isinstance(said, dict) and said.get("errorMessage") == "Unauthorized":
            raise UnauthorizedError("Unauthorized")
        raise AuthorizerConfigurationError
    return said
