from typing import Any

import pytest

from localstack_dockerless.websocket.policy import (
    MalformedAnswer,
    Verdict,
    is_allowed,
    missing_identity_source,
    read_answer,
)

ARN = "arn:aws:execute-api:us-east-1:000000000000:abc/live/$connect"


def statement(effect: str = "Allow", **fields: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": ARN, **fields}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        ARN,
        "arn:aws:execute-api:*",
        "arn:aws:execute-api:us-east-1:*:abc/live/*",
        ARN.replace("live", "li?e"),
        ["x", ARN],
    ],
)
def test_a_resource_may_have_wildcards(resource: str | list[str]) -> None:
    assert is_allowed(policy(statement(Resource=resource)), ARN)


@pytest.mark.parametrize("resource", ["", "x", ARN.replace("abc", "abd"), ARN + "?", ARN.upper(), []])
def test_what_no_statement_names_is_not_allowed(resource: str | list[str]) -> None:
    assert not is_allowed(policy(statement(Resource=resource)), ARN)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("execute-api:*", True), ("*", True), ("Execute-API:invoke", True), ("execute-api:ManageConnections", False)],
)
def test_the_action_has_to_be_invoke(action: str, allowed: bool) -> None:
    assert allowed == is_allowed(policy(statement(Action=action)), ARN)


def test_a_deny_wins_wherever_it_stands() -> None:
    assert not is_allowed(policy(statement("Deny"), statement()), ARN)
    assert not is_allowed(policy(statement(), statement("Deny")), ARN)


def test_an_empty_policy_allows_nothing() -> None:
    assert not is_allowed(policy(), ARN)


def test_everything_but_a_resource_or_an_action() -> None:
    assert not is_allowed(policy({"Effect": "Allow", "Action": "*", "NotResource": ARN}), ARN)
    assert is_allowed(policy({"Effect": "Allow", "Action": "*", "NotResource": "x"}), ARN)
    assert not is_allowed(policy({"Effect": "Allow", "NotAction": "execute-api:*", "Resource": "*"}), ARN)


def test_a_single_statement_needs_no_list() -> None:
    assert is_allowed({"Statement": statement()}, ARN)


def test_the_context_becomes_text_and_has_the_principal() -> None:
    answer = {"principalId": "me", "policyDocument": policy(statement()), "context": {"n": 1, "b": True, "s": "x"}}
    assert Verdict(True, {"n": "1", "b": "true", "s": "x", "principalId": "me"}) == read_answer(answer, ARN)


def test_simple_responses_are_read_where_they_are_enabled() -> None:
    assert Verdict(True, {"a": "b"}) == read_answer({"isAuthorized": True, "context": {"a": "b"}}, ARN, simple=True)
    assert not read_answer({"isAuthorized": False}, ARN, simple=True).allowed
    with pytest.raises(MalformedAnswer):
        read_answer({"isAuthorized": True}, ARN)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "yes",
        {},
        {"principalId": "me"},
        {"policyDocument": policy(statement())},
        {"principalId": "me", "policyDocument": {"Statement": [{"Effect": "allow"}]}},
        {"principalId": "me", "policyDocument": policy(statement(Condition={"Bool": {}}))},
        {"principalId": "me", "policyDocument": policy(statement()), "context": {"list": [1]}},
        {"principalId": "me", "policyDocument": policy(statement()), "context": "x"},
    ],
)
def test_other_answers_are_malformed(answer: Any) -> None:
    with pytest.raises(MalformedAnswer):
        read_answer(answer, ARN)


def test_the_first_identity_source_that_is_missing_is_named() -> None:
    sources = ["route.request.header.Authorization", "route.request.querystring.room", "stageVariables.key"]
    headers, query, variables = {"authorization": "x"}, {"room": "x"}, {"key": "x"}
    assert missing_identity_source(sources, headers, query, variables) is None
    assert missing_identity_source([], {}, {}, {}) is None
    assert missing_identity_source(sources, {}, query, variables) == sources[0]
    assert missing_identity_source(sources, headers, {"room": ""}, variables) == sources[1]
    assert missing_identity_source(sources, headers, query, {}) == sources[2]
    with pytest.raises(MalformedAnswer):
        missing_identity_source(["route.request.body.x"], headers, query, variables)
