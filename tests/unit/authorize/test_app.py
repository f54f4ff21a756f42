import json
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.jws import MAX_TOKEN_CHARACTERS, SharedSecret
from adapters.tokens import Tokens
from authorize import app
from factories import LambdaContext
from fakes.key_server import FakeKeyServer
from heatmap.access import HEATMAP_READ, principal
from heatmap.claims import LEEWAY_S, Expected
from heatmap.errors import Misconfigured, Unavailable
from junk import TEXT
from minting import BAD_TOKENS, SECRET, a_token, key_pair, published

ARN = "arn:aws:execute-api:us-east-1:000000000000:api1/live/GET/heatmap"
EXPECTED = Expected("fleetglow", "fleetglow")
# What API Gateway takes from the authorizer of a WebSocket API; it cannot be raised.
MAX_ANSWER_BYTES = 8 * 1024


@pytest.fixture(autouse=True)
def our_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "tokens", lambda: Tokens(SharedSecret(SECRET), EXPECTED))


def a_rest_request(*authorization: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "methodArn": ARN,
        "headers": {"Authorization": authorization[-1]} if authorization else {},
        "multiValueHeaders": {"Authorization": list(authorization)} if authorization else {},
        "queryStringParameters": query,
        "requestContext": {"requestId": "r-1"},
    }


def a_handshake(headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "methodArn": ARN.replace("GET/heatmap", "$connect"),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()} if headers else None,
        "queryStringParameters": query,
        "requestContext": {"requestId": "r-1", "connectionId": "connection-1", "routeKey": "$connect"},
    }


def ask(event: dict[str, Any]) -> dict[str, Any]:
    return app.lambda_handler(event, LambdaContext())


@pytest.mark.parametrize(
    "event",
    [
        a_rest_request(f"Bearer {a_token()}"),
        a_rest_request(f"bearer  {a_token()}"),
        a_handshake({"authorization": f"Bearer {a_token()}"}),
        a_handshake({"Sec-WebSocket-Protocol": f"fleetglow, {a_token()}"}),
        a_handshake(query={"token": a_token()}),
    ],
    ids=["header", "lower case", "handshake's header", "subprotocol", "query"],
)
def test_a_token_is_taken_wherever_a_client_can_put_it(event: dict[str, Any]):
    answer = ask(event)

    [statement] = answer["policyDocument"]["Statement"]
    assert (
        statement["Effect"],
        statement["Resource"],
    ) == ("Allow", "arn:aws:execute-api:us-east-1:000000000000:api1/live/*")


@pytest.mark.parametrize(
    "event",
    [
        a_rest_request(),
        a_rest_request("Basic eDp5"),
        a_rest_request("Basic eDp5", query={"token": a_token()}),
        a_rest_request(query={"token": a_token()}),
        a_rest_request(f"Bearer {a_token()}", f"Bearer {a_token(sub='another')}"),
        a_rest_request(f"Bearer {a_token()}, Bearer {a_token()}"),
        a_handshake(),
        a_handshake({"Sec-WebSocket-Protocol": a_token()}),
        a_handshake({"Sec-WebSocket-Protocol": "fleetglow"}),
    ],
    ids=[
        "none",
        "another scheme",
        "beside another scheme",
        "query of REST",
        "two",
        "two in one",
        "none on the socket",
        "first subprotocol",
        "no second subprotocol",
    ],
)
def test_what_the_answer_would_not_be_cached_by_is_no_token(event: dict[str, Any]):
    with pytest.raises(app.UnauthorizedError, match=r"^Unauthorized$"):
        ask(event)


HEADER_LINES = st.lists(
    TEXT | st.sampled_from(["Bearer", "Bearer  x y", "fleetglow", "fleetglow,x", ",", ""]), max_size=3
)


@given(
    st.dictionaries(st.sampled_from(["Authorization", "sec-websocket-protocol"]), HEADER_LINES),
    st.none() | st.dictionaries(st.sampled_from(["token"]), TEXT),
    st.booleans(),
)
def test_whatever_a_request_says_of_itself_is_a_token_or_none(
    headers: dict[str, list[str]], query: dict[str, str] | None, is_handshake: bool
):
    event = (a_handshake if is_handshake else a_rest_request)(query=query)
    event["multiValueHeaders"] = headers

    found = app.token(event)

    said = [*headers.get("Authorization", []), *headers.get("sec-websocket-protocol", []), *(query or {}).values()]
    assert any(found in line for line in said) or "" == found


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_any_other_token_is_refused_as_unauthorized(kind: str):
    with pytest.raises(app.UnauthorizedError, match=r"^Unauthorized$") as refused:
        ask(a_handshake(query={"token": BAD_TOKENS[kind](SECRET)}))

    # The runtime would log it.
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_each_refusal_is_counted_though_the_function_fails(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    # What other tests have counted is not written.
    app.metrics.clear_metrics()

    with pytest.raises(app.UnauthorizedError):
        ask(a_handshake(query={"token": BAD_TOKENS[kind](SECRET)}))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [[1.0]] == [line["tokens_refused"] for line in lines if "tokens_refused" in line]


def test_what_a_token_allows_is_passed_on():
    now = int(time.time())
    token = a_token(scope=HEATMAP_READ, sub="van-1", drivers=["van-2", "truck-*"], cities=["lagos"], exp=now + 60)
    bearer = principal(ask(a_rest_request(f"Bearer {token}"))["context"])

    assert ("van-1", {HEATMAP_READ}, 1000 * (now + 60 + LEEWAY_S)) == (
        bearer.subject,
        bearer.scopes,
        bearer.expires_at,
    )
    assert [True, True, False] == [name in bearer.drivers for name in ("van-2", "truck-9", "van-3")]
    assert [True, False] == [city in bearer.cities for city in ("lagos", "london")]


@pytest.mark.parametrize(
    ("plan", "key"), [(..., "fleetglow-usage-plan-default"), ("acme", "fleetglow-usage-plan-acme")]
)
def test_it_is_said_which_usage_plan_a_call_counts_for(plan: object, key: str):
    assert key == ask(a_rest_request(f"Bearer {a_token(fleetglow_plan=plan)}"))["usageIdentifierKey"]


def test_who_calls_with_a_token_that_is_over_is_told_so_and_only_they_are():
    over = a_token(exp=int(time.time()) - LEEWAY_S)
    answer = ask(a_rest_request(f"Bearer {over}"))

    [statement] = answer["policyDocument"]["Statement"]
    assert ("Deny", f"{ARN.rpartition('/live/')[0]}/live/*") == (statement["Effect"], statement["Resource"])
    message = "token: expected one that is still valid, got one that has expired"
    assert {"code": "expired", "message": message} == answer["context"]
    forged = a_token("another secret, just as long as the first one", exp=int(time.time()) - 60)
    with pytest.raises(app.UnauthorizedError):
        ask(a_rest_request(f"Bearer {forged}"))


def test_the_answer_is_the_same_for_all_routes_since_it_is_cached_for_all():
    token = f"Bearer {a_token()}"
    other = a_rest_request(token) | {"methodArn": ARN.replace("GET/heatmap", "POST/pings")}

    assert ask(a_rest_request(token)) == ask(other)


@pytest.mark.parametrize("character", ["a", "é", "龍", "🚚", '"', "\\"])
def test_the_longest_token_makes_an_answer_that_api_gateway_takes(character: str):
    def token(drivers: int) -> str:
        return a_token(sub=character * 255, drivers=[character * 100] * drivers + [f"{n:03}*" for n in range(drivers)])

    longest = max(n for n in range(1, 100) if len(token(n)) <= MAX_TOKEN_CHARACTERS)
    answer = ask(a_handshake(query={"token": token(longest)}))

    # As the runtime encodes it.
    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= MAX_ANSWER_BYTES


def test_a_short_secret_is_not_used():
    with pytest.raises(Misconfigured, match="at least 32 bytes"):
        SharedSecret("short")


def test_when_the_keys_cannot_be_had_a_token_is_neither_good_nor_bad(monkeypatch: pytest.MonkeyPatch):
    keys = FakeKeyServer(published("one"))
    keys.is_down = True
    monkeypatch.setattr(app, "tokens", lambda: Tokens(keys.client(), EXPECTED))

    # API Gateway makes a 500 of it.
    with pytest.raises(Unavailable):
        ask(a_rest_request(f"Bearer {a_token(key_pair('one'), 'RS256', {'kid': 'one'})}"))


def test_cryptography_is_loaded_for_key_pairs_only():
    # With it the function takes half as long again to start.
    code = "import sys, authorize.app; print(*sorted({'jwt', 'cryptography'} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(Path(__file__).parents[3] / "functions")}

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout

    assert "" == printed.strip()


def test_nothing_of_a_token_is_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG", app.logger.name)
    keys = FakeKeyServer(published("one"))
    tokens = [make(SECRET) for make in BAD_TOKENS.values()] + [
        a_token(),
        a_token(key_pair("two"), "RS256", {"kid": "kid-of-nobody"}),
        a_token(key_pair("two"), "RS256", {"kid": "one"}),
    ]
    for source in (SharedSecret(SECRET), keys.client()):
        monkeypatch.setattr(app, "tokens", lambda source=source: Tokens(source, EXPECTED))
        for token in tokens:
            try:
                ask(a_handshake({"Sec-WebSocket-Protocol": f"fleetglow, {token}"}))
            except app.UnauthorizedError:
                # As the runtime logs what a handler raises.
                traceback.print_exc()

    # A record's text is only a part of what is written of it.
    written = "\n".join(app.logger.registered_formatter.format(record) for record in caplog.records)
    printed = "".join(capsys.readouterr()) + written
    assert '"message":"refused"' in printed
    told = [part for token in tokens for part in token.split(".") if len(part) > 6 and part in printed]
    assert [] == told
    assert not [word for word in ("tester", "kid-of-nobody", "somebody-else", "another", "van-1") if word in printed]
