"""Logging in to the cache as the function's role: a request that is signed and not sent serves as the password.

Amazon ElastiCache User Guide, "Authenticating with IAM". There is no secret to keep, to rotate or to read from
somewhere, which a function without a way out of its VPC could not do.
"""

from typing import TYPE_CHECKING, Self

import boto3
import redis
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from heatmap.errors import Literal, Misconfigured

if TYPE_CHECKING:
    from botocore.credentials import Credentials

# As long as one may be; the connection that it opens lasts up to twelve hours.
TOKEN_SECONDS = 900


class CacheLogin(redis.CredentialProvider):
    """A user's name, and for each new connection a password of its own."""

    def __init__(self, user: str, cache: str, credentials: "Credentials", region: str) -> None:
        self._user = user
        self._cache = cache
        self._credentials = credentials
        self._region = region

    @classmethod
    def from_session(cls, user: str, cache: str) -> Self:
        """With the credentials and the region that any AWS client would take.

        Args:
            user: of the cache, who has IAM for a password.
            cache: the replication group's id.

        Raises:
            Misconfigured: there are none.
        """
        session = boto3.Session()
        credentials = session.get_credentials()
        if credentials is None or session.region_name is None:
            raise Misconfigured("AWS credentials and region", "both in the function's environment", Literal("none"))
        return cls(user, cache, credentials, session.region_name)

    def get_credentials(self) -> tuple[str, str]:
        """The user's name, and the password of this moment."""
        request = AWSRequest("GET", f"https://{self._cache}/", params={"Action": "connect", "User": self._user})
        # Credentials rotate: these are those of now.
        frozen = self._credentials.get_frozen_credentials()
        SigV4QueryAuth(frozen, "elasticache", self._region, expires=TOKEN_SECONDS).add_auth(request)
        return self._user, str(request.url).removeprefix("https://")
