"""What a Lambda authorizer of a WebSocket API said: its answer read, its IAM policy evaluated."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_INVOKE = "execute-api:Invoke"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`context` is what `requestContext.authorizer` shows to the integrations, principalId included.

    `usage_key` is the API key for whose usage plan the call counts, if the authorizer names one.
    """

    allowed: bool
    context: dict[str, Any]
    usage_key: str | None = None


class MalformedAnswer(Exception):
    """The authorizer answered something that API Gateway cannot use (status 500 for the client)."""


def read_answer(answer: Any, method_arn: str, *, simple: bool = False) -> Verdict:
    """The verdict in the answer of an authorizer, which is

    `{"principalId": …, "policyDocument": {…}, "context": {…}?}`, or with simple responses enabled
    `{"isAuthorized": bool, "context": {…}?}`. Raises MalformedAnswer.
    """
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"expected an object, got {type(answer).__name__}")
    context = _read_context(answer.get("context") or {})
    if simple and "policyDocument" not in answer:
        if not isinstance(answer.get("isAuthorized"), bool):
            raise MalformedAnswer("isAuthorized: expected true or false")
        return Verdict(answer["isAuthorized"], context)
    principal, document = answer.get("principalId"), answer.get("policyDocument")
    if not isinstance(principal, str | int):
        raise MalformedAnswer("principalId: expected a string")
    if not isinstance(document, dict):
        raise MalformedAnswer("policyDocument: expected an object")
    context["principalId"] = str(principal)
    return Verdict(is_allowed(document, method_arn), context, answer.get("usageIdentifierKey"))


def _read_context(context: Any) -> dict[str, Any]:
    """API Gateway hands every value on as a string, and takes neither objects nor arrays."""
    if not isinstance(context, dict):
        raise MalformedAnswer("context: expected an object")
    texts = {}
    for name, value in context.items():
        if isinstance(value, dict | list):
            raise MalformedAnswer(f"context.{name}: expected a string, number or boolean")
        if value is not None:
            texts[name] = value if isinstance(value, str) else json.dumps(value)
    return texts


def is_allowed(document: Mapping[str, Any], method_arn: str) -> bool:
    """Whether a policy document allows to invoke `method_arn`: an explicit Deny wins, and nothing said is a Deny."""
    allowed = False
    for statement in _as_list(document.get("Statement")):
        if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
            raise MalformedAnswer('Statement: expected objects with "Effect": "Allow" or "Deny"')
        if statement.get("Condition"):
            raise MalformedAnswer("Condition: conditions are not supported")
        if _matches(statement, method_arn):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def _matches(statement: Mapping[str, Any], method_arn: str) -> bool:
    if "NotAction" in statement:
        action = not any(_like(pattern, _INVOKE, fold=True) for pattern in _as_list(statement["NotAction"]))
    else:
        action = any(_like(pattern, _INVOKE, fold=True) for pattern in _as_list(statement.get("Action")))
    if "NotResource" in statement:
        return action and not any(_like(pattern, method_arn) for pattern in _as_list(statement["NotResource"]))
    return action and any(_like(pattern, method_arn) for pattern in _as_list(statement.get("Resource")))


def _like(pattern: str, text: str, *, fold: bool = False) -> bool:
    """IAM's wildcards: `*` is any run of characters, `?` any single one. Actions fold case, resources do not."""
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL | (re.IGNORECASE if fold else 0)) is not None


def _as_list(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def missing_identity_source(
    sources: Sequence[str], headers: Mapping[str, str], query: Mapping[str, str], stage_variables: Mapping[str, str]
) -> str | None:
    """The first identity source that the handshake lacks or has empty, or None. `headers` has its names in lower case.

    Raises MalformedAnswer for a source of an unknown kind.
    """
    for source in sources:
        kind, _, name = source.removeprefix("$").removeprefix("route.").removeprefix("request.").partition(".")
        match kind:
            case "header":
                value = headers.get(name.lower())
            case "querystring":
                value = query.get(name)
            case "stageVariables":
                value = stage_variables.get(name)
            case _:
                raise MalformedAnswer(f"identity source {source}: expected route.request.header or .querystring")
        if not value:
            return source
    return None
