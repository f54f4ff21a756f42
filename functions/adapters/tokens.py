"""Tokens: JWTs signed with a secret from Secrets Manager."""

from typing import Self

import jwt
from aws_lambda_powertools.utilities import parameters

from adapters import settings
from heatmap.access import Principal
from heatmap.errors import Misconfigured, NotAllowed

ISSUER = "fleetglow"
AUDIENCE = "fleetglow"
ALGORITHM = "HS256"
# RFC 7518, section 3.2: a key for HS256 is at least as long as its hash. PyJWT itself would take five bytes.
MIN_SECRET_BYTES = 32
SECRET_CACHE_SECONDS = 300
LEEWAY_SECONDS = 5


class Tokens:
    """Tells whom a token was issued to."""

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise Misconfigured("secret", f"at least {MIN_SECRET_BYTES} bytes", len(secret.encode()))
        self._secret = secret

    @classmethod
    def from_env(cls) -> Self:
        return cls(str(parameters.get_secret(settings.token_secret_arn(), max_age=SECRET_CACHE_SECONDS)))

    def verify(self, token: str) -> Principal:
        """The bearer of a token.

        Raises:
            NotAllowed: it is malformed, expired, not ours or wrongly signed; the message holds nothing of the token.
        """
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise NotAllowed(f"token: {error}") from error
        scope = claims.get("scope", "")
        if not isinstance(scope, str):
            raise NotAllowed("token: expected scope to be text")
        return Principal(str(claims["sub"]), frozenset(scope.split()), int(claims["exp"]) * 1000)
