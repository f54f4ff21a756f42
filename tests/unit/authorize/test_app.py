import time
from typing import Any

import jwt
import pytest

from adapters.tokens import Tokens
from authorize import app
from factories import LambdaContext
from heatmap.access import HEATMAP_READ, principal
from heatmap.errors import Misconfigured

SECRET = "a secret of the tests that is longer than the sixty-four bytes HS512 wants"
ARN = "arn:aws:execute-api:us-east-1:000000000000:api1/live/GET/heatmap"


@pytest.fixture(autouse=True)
def our_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "tokens", lambda: Tokens(SECRET))


def a_token(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    payload = {"iss": "fleetglow", "aud": "fleetglow", "sub": "viewer-1", "scope": HEATMAP_READ}
    payload |= {"exp": int(time.time()) + 60} | claims
    return jwt.encode({name: claim for name, claim in payload.items() if claim is not ...}, secret, algorithm=algorithm)


def ask(**event: Any) -> dict[str, Any]:
    return app.lambda_handler({"methodArn": ARN, **event}, LambdaContext())


@pytest.mark.parametrize(
    "request_parts",
    [
        {"headers": {"Authorization": f"Bearer {a_token()}"}},
        {"headers": {"authorization": f"bearer {a_token()}"}},
        {"headers": {"Sec-WebSocket-Protocol": f"fleetglow, {a_token()}"}},
        {"queryStringParameters": {"token": a_token()}},
    ],
    ids=["header", "lower case", "subprotocol", "query"],
)
def test_a_token_is_taken_wherever_a_client_can_put_it(request_parts: dict[str, Any]):
    answer = ask(**request_parts)

    [statement] = answer["policyDocument"]["Statement"]
    assert (
        statement["Effect"],
        statement["Resource"],
    ) == ("Allow", "arn:aws:execute-api:us-east-1:000000000000:api1/live/*")


def test_what_a_token_allows_is_passed_on():
    bearer = principal(ask(queryStringParameters={"token": a_token()})["context"])

    assert ("viewer-1", {HEATMAP_READ}) == (bearer.subject, bearer.scopes)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "junk",
        a_token(exp=int(time.time()) - 60),
        a_token(exp=...),
        a_token(sub=...),
        a_token(aud="another"),
        a_token(iss="another"),
        a_token(scope=["heatmap:read"]),
        a_token(secret="another secret, just as long as the first one"),
        a_token(algorithm="HS512"),
        a_token(secret="", algorithm="none"),
    ],
    ids=[
        "none",
        "junk",
        "expired",
        "endless",
        "nobody's",
        "audience",
        "issuer",
        "scope",
        "secret",
        "algorithm",
        "alg none",
    ],
)
def test_any_other_token_is_refused_as_unauthorized(token: str):
    with pytest.raises(app.UnauthorizedError, match=r"^Unauthorized$"):
        ask(headers={"Authorization": f"Bearer {token}"})


def test_a_request_without_a_token_is_refused():
    with pytest.raises(app.UnauthorizedError):
        ask(headers=None, queryStringParameters=None)


def test_a_short_secret_is_not_used():
    with pytest.raises(Misconfigured, match="at least 32 bytes"):
        Tokens("short")
