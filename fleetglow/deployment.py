"""The running stack as its clients see it: URLs, the stack's outputs, and tokens that its authorizer accepts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import boto3
import jwt
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from fleetglow import aws
from fleetglow.errors import NotRunning
from fleetglow.instance import STACK_NAME, Instance

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
}


@dataclass(frozen=True)
class Deployment:
    """Where everything is; `outputs` are the CloudFormation outputs of the stack by name."""

    endpoint_url: str
    rest_url: str
    websocket_url: str
    web_url: str
    redis_url: str
    outputs: dict[str, str]

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
        """
        secret = _secret(self.endpoint_url, self.outputs["TokenSecretArn"])
        return _token(secret, scope, sub, ttl_s, drivers=list(drivers), cities=list(cities))


def discover(instance: Instance | None = None) -> Deployment:
    """The deployed stack of an instance (default: the one the environment selects).

    Raises NotRunning if nothing answers at its endpoint or no complete stack is deployed there.
    """
    endpoint_url = (instance or Instance.from_env()).endpoint_url
    return from_outputs(endpoint_url, stack_outputs(endpoint_url))


def stack_outputs(endpoint_url: str) -> dict[str, str]:
    """The outputs of the deployed stack; raises NotRunning with the reason if there are none."""
    cloudformation = boto3.client("cloudformation", **aws.local(endpoint_url, read_timeout_s=15))
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    except (NoConnectionError, HTTPClientError) as error:
        raise NotRunning(f"nothing answers at {endpoint_url}: start it with `fleetglow up`") from error
    except ClientError as error:
        raise NotRunning(f"no stack is deployed at {endpoint_url}: run `fleetglow up`") from error
    if not stack["StackStatus"].endswith("_COMPLETE") or "ROLLBACK" in stack["StackStatus"]:
        raise NotRunning(f"the stack at {endpoint_url} is {stack['StackStatus']}: run `fleetglow up`")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def from_outputs(endpoint_url: str, outputs: dict[str, str]) -> Deployment:
    """The URLs of a stack on LocalStack, from its outputs."""
    token = _token(_secret(endpoint_url, outputs["TokenSecretArn"]), VIEWER_SCOPE, "viewer", VIEWER_TTL_S)
    return Deployment(
        endpoint_url=endpoint_url,
        rest_url=f"{endpoint_url}/_aws/execute-api/{outputs['RestApiId']}/{outputs['RestApiStage']}",
        websocket_url=f"{outputs['WebSocketApiEndpoint']}/{outputs['WebSocketStage']}",
        web_url=f"{endpoint_url}/{outputs['WebBucketName']}/index.html#token={token}",
        redis_url=outputs["RedisUrl"],
        outputs=outputs,
    )


@cache
def _secret(endpoint_url: str, arn: str) -> str:
    secrets = boto3.client("secretsmanager", **aws.local(endpoint_url))
    return secrets.get_secret_value(SecretId=arn)["SecretString"]


def _token(secret: str, scope: str, sub: str, ttl_s: int, **limits: list[str]) -> str:
    now = int(time.time())
    claims = {"iss": "fleetglow", "aud": "fleetglow", "sub": sub, "scope": scope, "iat": now, "exp": now + ttl_s}
    return jwt.encode(claims | limits, secret, algorithm="HS256")
