"""How the command line reaches the local cloud's AWS API: `boto3.client("sqs", **aws.local(endpoint_url))`."""

from typing import TypedDict

from botocore.config import Config

REGION = "us-east-1"


class ClientOptions(TypedDict):
    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str
    config: Config


def local(endpoint_url: str, *, read_timeout_s: float = 60, attempts: int = 2) -> ClientOptions:
    """Options of a boto3 client that can only ever talk to `endpoint_url`: the credentials are dummies."""
    return ClientOptions(
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - LocalStack takes any
        config=Config(
            connect_timeout=2,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path"},
        ),
    )


def environment(endpoint_url: str) -> dict[str, str]:
    """The same, as environment variables for a program that uses an AWS SDK."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        # A profile or a token from the user's own AWS set-up must not be mixed in.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
