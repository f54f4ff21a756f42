"""Tokens: JWTs, signed with a secret from Secrets Manager, or with a key pair of an identity provider."""

import time
from collections.abc import Callable
from functools import cache, partial
from typing import Self

from aws_lambda_powertools.utilities import parameters
from botocore.config import Config

from adapters.jws import Keys, SharedSecret, json_of, taken_apart
from adapters.remembered import Remembered
from adapters.secret import secret
from adapters.settings import TokenSettings
from heatmap.access import Principal
from heatmap.claims import Expected, bearer
from heatmap.errors import Unavailable

# Secrets Manager answers in milliseconds. Given up after 12 seconds at most, the pauses between the attempts included:
# an authorizer that is ended by its time-out of 15 says nothing in the log.
PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})


class Tokens:
    """Tells whom a token was issued to.

    Args:
        clock: UTC seconds.
    """

    def __init__(self, keys: Keys, expected: Expected, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._expected = expected
        self._clock = clock

    @classmethod
    def from_env(cls) -> Self:
        """With the keys of the environment: those of an identity provider if it names one, else the secret.

        Raises:
            Unavailable: the secret could not be read.
            Misconfigured: the secret is too short, or a setting makes no sense.
        """
        settings = TokenSettings.from_env()
        return cls(_keys(settings), Expected(settings.issuer, settings.audience))

    def verify(self, token: str) -> Principal:
        """The bearer of a token.

        Raises:
            Expired: it was good, and is over.
            NotAllowed: it is malformed, not ours or wrongly signed; the message holds nothing of the token.
            Unavailable: the identity provider's keys could not be fetched.
        """
        signed = taken_apart(token)
        self._keys.check(signed)
        return bearer(json_of(signed.claims, "its claims"), self._expected, self._clock())


def _keys(settings: TokenSettings) -> Keys:
    if settings.jwks_url:
        # With `cryptography`, which takes its time: only where it is needed.
        from adapters.jwks import published_at  # noqa: PLC0415

        return published_at(settings.jwks_url)
    return SharedSecret(_secret(settings.secret_arn).value())


@cache
def secrets() -> parameters.SecretsProvider:
    """Reads secrets."""
    return parameters.SecretsProvider(boto_config=PATIENCE)


@cache
def _secret(arn: str) -> Remembered[str]:
    """The secret of an ARN, remembered from one invocation to the next."""
    return secret(partial(_read, arn))


def _read(arn: str) -> str:
    try:
        return str(secrets().get(arn, force_fetch=True))
    except parameters.GetParameterError as error:
        raise Unavailable("the secret could not be read", error) from error
