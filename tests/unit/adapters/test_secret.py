import boto3
import pytest
from moto import mock_aws

from adapters import tokens
from adapters.remembered import Remembered
from adapters.secret import ASK_AGAIN_S, FRESH_S, STALE_S
from adapters.secret import secret as a_secret
from adapters.settings import TokenSettings
from fakes.clock import FakeClock
from heatmap.errors import Misconfigured, Unavailable
from minting import SECRET, a_token


class Store:
    """Where a secret is kept, which may be away."""

    def __init__(self) -> None:
        self.kept = "one"
        self.is_down = False
        self.asked = 0

    def read(self) -> str:
        self.asked += 1
        if self.is_down:
            raise Unavailable("the secret could not be read")
        return self.kept


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000)


@pytest.fixture
def secret(store: Store, clock: FakeClock) -> Remembered[str]:
    return a_secret(store.read, clock)


def test_a_secret_is_read_once_in_five_minutes(secret: Remembered[str], store: Store, clock: FakeClock):
    assert ["one", "one"] == [secret.value(), secret.value()]
    store.kept = "two"

    clock.now += FRESH_S - 1
    assert ("one", 1) == (secret.value(), store.asked)

    clock.now += 1
    assert ("two", 2) == (secret.value(), store.asked)


def test_while_it_cannot_be_read_the_one_that_is_known_serves_on_for_a_day(
    secret: Remembered[str], store: Store, clock: FakeClock
):
    assert "one" == secret.value()
    store.is_down = True

    clock.now += STALE_S
    assert "one" == secret.value()

    clock.now += 1
    with pytest.raises(Unavailable):
        secret.value()


def test_who_does_not_answer_is_asked_once_a_minute(secret: Remembered[str], store: Store, clock: FakeClock):
    assert "one" == secret.value()
    store.is_down = True
    clock.now += FRESH_S

    for _ in range(ASK_AGAIN_S + 1):
        assert "one" == secret.value()
        clock.now += 1

    assert 3 == store.asked


def test_as_long_as_it_is_not_known_each_call_asks(secret: Remembered[str], store: Store):
    store.is_down = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            secret.value()

    store.is_down = False

    assert ("one", 3) == (secret.value(), store.asked)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for cached in (tokens.secrets, tokens._secret):
        cached.cache_clear()
    names = {"JWKS_URL": "none", "TOKEN_ISSUER": "fleetglow", "TOKEN_AUDIENCE": "fleetglow"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def given(environment: pytest.MonkeyPatch, text: str) -> TokenSettings:
    """The environment of a stack with a secret."""
    arn = boto3.client("secretsmanager").create_secret(Name="tokens", SecretString=text)["ARN"]
    environment.setenv("TOKEN_SECRET_ARN", arn)
    return TokenSettings.from_env()


@mock_aws
def test_tokens_are_checked_with_the_secret_of_the_stack(environment: pytest.MonkeyPatch):
    given(environment, SECRET)

    assert "tester" == tokens.Tokens.from_env().verify(a_token()).subject


@mock_aws
def test_a_secret_that_can_be_guessed_is_not_used(environment: pytest.MonkeyPatch):
    given(environment, "x" * 31)

    with pytest.raises(Misconfigured, match="secret: expected at least 32 bytes, got 31"):
        tokens.Tokens.from_env()


@mock_aws
def test_without_the_secret_nobody_can_tell(environment: pytest.MonkeyPatch):
    environment.setenv("TOKEN_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:123456789012:secret:none-abcdef")

    with pytest.raises(Unavailable) as raised:
        tokens.Tokens.from_env()
    assert "the secret could not be read" == raised.value.told
