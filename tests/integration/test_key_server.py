"""An identity provider's keys over HTTP, from a server on this machine that does what it should, and what not."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adapters import jwks
from adapters.jwks import MAX_BYTES, fetched, published_at
from adapters.jws import taken_apart
from authorize import app
from factories import LambdaContext
from heatmap.errors import Unavailable
from minting import SECRET, a_token, by_hand, claims, key_pair, public_pem, published

ALGORITHMS = ("RS256", "ES256", "EdDSA")
KEYS = json.dumps({"keys": [published(name, name) for name in ALGORITHMS]}).encode()


class Provider(ThreadingHTTPServer):
    """Answers at `/keys` with its keys, elsewhere as the path says."""

    daemon_threads = True
    # Set when a test is over, so that nobody is waited for.
    over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_GET(self) -> None:
        answers: dict[str, Callable[[], None]] = {
            "/keys": lambda: self.say(200, KEYS),
            "/moved": lambda: self.say(302, b"", f"{self.server.url}/keys"),
            "/missing": lambda: self.say(404, b"no such page"),
            "/huge": lambda: self.say(200, b" " * (MAX_BYTES + 1)),
            "/drops": self.drip,
            "/nothing": lambda: self.server.over.wait(20) and None,
        }
        answers[self.path]()

    def say(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """A byte now and then: each read is answered in time."""
        self.send_response(200)
        self.end_headers()
        while not self.server.over.wait(0.1):
            try:
                self.wfile.write(b" ")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def test_a_token_is_checked_with_keys_that_are_fetched(provider: Provider):
    keys = published_at(f"{provider.url}/keys")

    keys.check(taken_apart(a_token(key_pair("RS256"), "RS256", {"kid": "RS256"})))


@pytest.fixture
def an_authorizer(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Asks the authorizer of a stack whose parameters name the provider."""
    monkeypatch.setenv("JWKS_URL", f"{provider.url}/keys")
    monkeypatch.setenv("TOKEN_SECRET_ARN", "an ARN that nobody reads")
    monkeypatch.setenv("TOKEN_ISSUER", "https://id.example.com")
    monkeypatch.setenv("TOKEN_AUDIENCE", "maps")
    request = {"connectionId": "c1", "requestId": "r1"}

    def ask(token: str) -> dict[str, Any]:
        event = {"methodArn": "arn/live/$connect", "queryStringParameters": {"token": token}, "requestContext": request}
        return app.lambda_handler(event, LambdaContext())

    return ask


def a_providers_token(algorithm: str = "RS256", key: str = "", **said: Any) -> str:
    ours = {"iss": "https://id.example.com", "aud": ["maps", "others"]}
    return a_token(key_pair(key or algorithm, algorithm), algorithm, {"kid": algorithm}, **ours | said)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_providers_token_lets_its_bearer_in(an_authorizer: Callable[[str], dict[str, Any]], algorithm: str):
    assert "tester" == an_authorizer(a_providers_token(algorithm))["principalId"]


STRANGE: dict[str, Callable[[], str]] = {
    "the stack's secret": lambda: a_token(SECRET, iss="https://id.example.com", aud="maps"),
    "the public key for a secret": lambda: by_hand(
        {"alg": "HS256", "kid": "RS256"},
        claims(iss="https://id.example.com", aud="maps"),
        public_pem(key_pair("RS256")),
    ),
    "nothing": lambda: by_hand({"alg": "none", "kid": "RS256"}, claims(iss="https://id.example.com", aud="maps"), None),
    "another's key": lambda: a_providers_token(key="another's"),
    "its key, for another issuer": lambda: a_providers_token(iss="fleetglow"),
    "its key, for another audience": lambda: a_providers_token(aud="fleetglow"),
    "its key, long ago": lambda: a_providers_token(exp=int(time.time()) - 60),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_token_signed_with_anything_else_does_not(an_authorizer: Callable[[str], dict[str, Any]], kind: str):
    with pytest.raises(app.UnauthorizedError):
        an_authorizer(STRANGE[kind]())


def test_keys_stay_from_one_invocation_to_the_next(provider: Provider):
    url = f"{provider.url}/keys"

    assert published_at(url) is published_at(url)


@pytest.mark.parametrize("path", ["/moved", "/missing", "/huge", "/drops", "/nothing"])
def test_what_is_no_answer_in_time_is_nobodys_fault(provider: Provider, path: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jwks, "FETCH_S", 0.5)
    started = time.monotonic()

    with pytest.raises(Unavailable):
        fetched(provider.url + path)

    assert time.monotonic() - started < 5


def test_when_nobody_listens_that_is_said():
    with pytest.raises(Unavailable, match="refused"):
        fetched("http://127.0.0.1:1/keys")
