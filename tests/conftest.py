"""What every kind of test needs: the environment that the template gives to functions, and a stack of our own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fleetglow.deployment import Deployment, discover
from fleetglow.instance import Instance

# Powertools and boto3 look at these when they are imported.
os.environ.update(
    AWS_DEFAULT_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    LOG_LEVEL="WARNING",
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="Fleetglow",
    POWERTOOLS_METRICS_DISABLED="true",
    PRECISIONS="4,5,6,7,8",
    TICK_SECONDS="3",
    DRIVER_TTL_SECONDS="30",
    HEARTBEAT_SECONDS="15",
    POSTS_PER_SECOND="4000",
    DEGRADED_LAG_SECONDS="15",
    MIN_CELL_DRIVERS="3",
    USAGE_KEYS="fleetglow-usage-plan-",
    MAX_CONNECTIONS_PER_PRINCIPAL="100",
    STREAM_RETENTION_HOURS="24",
    FAILURE_RETENTION_SECONDS="1209600",
    LOG_RETENTION_DAYS="14",
    PINGS_PER_SECOND="2",
    PINGS_BURST="500",
    JUMP_SPEED="70",
)

# Of a shell's job in the background Ctrl-C is ignored, and so it would be of all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

START_TIMEOUT_S = 300


def fleetglow(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "fleetglow", *arguments], capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.fixture(scope="session")
def parameters() -> dict[str, str]:
    """Of the template, beside those of every local stack."""
    return {}


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory, parameters: dict[str, str]) -> Iterator[Instance]:
    """The local stack that this run of the tests has for itself, deployed and running."""
    with socket.create_server(("127.0.0.1", 0)) as rest, socket.create_server(("127.0.0.1", 0)) as web_socket:
        ports = [str(each.getsockname()[1]) for each in (rest, web_socket)]
    os.environ.update(
        FLEETGLOW_HOME=str(tmp_path_factory.mktemp("stack")), FLEETGLOW_PORT=ports[0], WEBSOCKET_PORT=ports[1]
    )
    try:
        options = [text for name, value in parameters.items() for text in ("--parameter", f"{name}={value}")]
        up = fleetglow("up", *options, timeout_s=START_TIMEOUT_S)
        assert up.returncode == 0, up.stderr
        yield Instance.from_env()
    finally:
        down = fleetglow("down")
        assert down.returncode == 0, down.stderr


@pytest.fixture(scope="session")
def stack(instance: Instance) -> Deployment:
    """Where its parts are."""
    return discover()
