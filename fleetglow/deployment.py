"""The running stack as its clients see it: URLs, the stack's outputs, and tokens that its authorizer accepts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import boto3
import jwt
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from fleetglow import aws
from fleetglow.errors import NotRunning
from fleetglow.instance import STACK_NAME, Instance

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

# With single drivers: on this machine the map is exact.
VIEWER_SCOPE = "heatmap:read drivers:read"
VIEWER_TTL_S = 24 * 3600

# Where the template's default is for AWS and is nothing that LocalStack has, or is for drivers on the road: here tracks
# are played, and faster than they were driven.
LOCAL_PARAMETERS = {
    "CacheAccess": "open",
    "PageHosting": "website",
    "PingsPerSecond": "1000",
    "PingsBurst": "10000",
    "JumpSpeed": "20000",
    # On one machine thousands of viewers share a token.
    "MaxConnectionsPerPrincipal": "10000",
}
# After an update that failed LocalStack rolls nothing back: what it had changed by then stays, and the rest answers on.
USABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


@dataclass(frozen=True)
class Deployment:
    """Where everything is.

    Attributes:
        outputs: the CloudFormation outputs of the stack by name.
        issuer, audience: what the claims `iss` and `aud` of its tokens have to be.
        jwks_url: of the identity provider whose tokens it takes; None if they are signed with the stack's secret.
        briefly: the secret is not waited for any longer than `discover` waited.
    """

    endpoint_url: str
    rest_url: str
    websocket_url: str
    web_url: str
    redis_url: str
    outputs: dict[str, str]
    issuer: str = "fleetglow"
    audience: str = "fleetglow"
    jwks_url: str | None = None
    briefly: bool = False

    @property
    def functions(self) -> dict[str, str]:
        """Each function's name in AWS by its short one, as `ingest`."""
        suffix = "FunctionName"
        names = (name for name in self.outputs if name.endswith(suffix))
        return {name.removesuffix(suffix).lower(): self.outputs[name] for name in sorted(names)}

    def token(
        self, scope: str, sub: str, ttl_s: int, *, drivers: Sequence[str] = ("*",), cities: Sequence[str] = ("*",)
    ) -> str:
        """A token for `sub` with the space-separated scopes `scope`, valid for `ttl_s` seconds from now.

        Args:
            drivers: for whom it may ping beside `sub`: ids, or prefixes that end in `*`.
            cities: where it is good, in the same way.

        Raises:
            NotRunning: the stack does not tell its secret, or has none.
        """
        if self.jwks_url is not None:
            raise NotRunning(
                f"this stack takes the tokens of {self.jwks_url} alone, and none can be made here: get one there and "
                "give it as --token, with --rest-url or --websocket-url"
            )
        secret = _secret(self.endpoint_url, self.outputs["TokenSecretArn"], self.briefly)
        claims = {"iss": self.issuer, "aud": self.audience, "sub": sub, "scope": scope}
        return _token(secret, claims, ttl_s, drivers=list(drivers), cities=list(cities))


def discover(instance: Instance | None = None, *, briefly: bool = False) -> Deployment:
    """The deployed stack of an instance (default: the one the environment selects).

    Args:
        briefly: an answer is waited for as long as somebody can wait for Ctrl-C, which does not end this in a thread.

    Raises NotRunning if nothing answers at its endpoint or no complete stack is deployed there.
    """
    endpoint_url = (instance or Instance.from_env()).endpoint_url
    return described(endpoint_url, _stack(endpoint_url, briefly=briefly), briefly=briefly)


def _stack(endpoint_url: str, *, briefly: bool) -> "StackTypeDef":
    """The deployed stack; raises NotRunning with the reason if there is none."""
    cloudformation = boto3.client("cloudformation", **_options(endpoint_url, briefly=briefly))
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    except (NoConnectionError, HTTPClientError) as error:
        raise NotRunning(f"nothing answers at {endpoint_url}: start it with `fleetglow up`") from error
    except ClientError as error:
        raise NotRunning(f"no stack is deployed at {endpoint_url}: run `fleetglow up`") from error
    if stack["StackStatus"] not in USABLE:
        raise NotRunning(f"the stack at {endpoint_url} is {stack['StackStatus']}: run `fleetglow up`")
    if not stack.get("Outputs"):
        # LocalStack calls a stack complete whose nested stack has failed.
        raise NotRunning(f"the stack at {endpoint_url} is not complete: run `fleetglow down`, then `fleetglow up`")
    return stack


def described(endpoint_url: str, stack: "StackTypeDef", *, briefly: bool = False) -> Deployment:
    """A stack on LocalStack as CloudFormation describes it, whose page has a token that works if one can be made."""
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
    found = Deployment(
        endpoint_url=endpoint_url,
        rest_url=f"{endpoint_url}/_aws/execute-api/{outputs['RestApiId']}/{outputs['RestApiStage']}",
        websocket_url=f"{outputs['WebSocketApiEndpoint']}/{outputs['WebSocketStage']}",
        web_url=f"{endpoint_url}/{outputs['WebBucketName']}/index.html",
        redis_url=outputs["RedisUrl"],
        outputs=outputs,
        issuer=parameters["TokenIssuer"],
        audience=parameters["TokenAudience"],
        jwks_url=None if parameters["JwksUrl"] == "none" else parameters["JwksUrl"],
        briefly=briefly,
    )
    if found.jwks_url is not None:
        return found
    token = found.token(VIEWER_SCOPE, "viewer", VIEWER_TTL_S)
    return replace(found, web_url=f"{found.web_url}#token={token}")


def _options(endpoint_url: str, *, briefly: bool) -> aws.ClientOptions:
    return aws.local(endpoint_url, read_timeout_s=2 if briefly else 15, attempts=1 if briefly else 2)


@cache
def _secret(endpoint_url: str, arn: str, briefly: bool) -> str:
    secrets = boto3.client("secretsmanager", **_options(endpoint_url, briefly=briefly))
    try:
        return secrets.get_secret_value(SecretId=arn)["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise NotRunning(f"the stack at {endpoint_url} does not tell its token secret: {error}") from error


def _token(secret: str, claims: dict[str, str], ttl_s: int, **limits: list[str]) -> str:
    now = int(time.time())
    return jwt.encode({**claims, "iat": now, "exp": now + ttl_s, **limits}, secret, algorithm="HS256")
