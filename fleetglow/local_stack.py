"""The local cloud's process: starting it, waiting until it answers, and leaving nothing of it behind."""

import errno
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from fleetglow import processes
from fleetglow.errors import StartFailed
from fleetglow.instance import PROJECT_ROOT, Instance
from fleetglow.interrupts import uninterrupted

PYTHON = PROJECT_ROOT / ".local" / "localstack" / "bin" / "python"
LAMBDA_PYTHON = PROJECT_ROOT / ".local" / "runtime" / "bin" / "python"
START_S = 90.0
# LocalStack ends within a few seconds, unless a function that is being invoked keeps it.
STOP_S = 20.0
LOG_LINES = 5


@dataclass(frozen=True)
class LocalStackProcess:
    pid: int
    started: str

    @property
    def running(self) -> bool:
        return processes.is_running(self.pid, self.started)


def find(instance: Instance) -> LocalStackProcess | None:
    """The process that the instance's pid file names, whether or not it still runs."""
    try:
        record = json.loads(instance.pid_file.read_text())
        return LocalStackProcess(record["pid"], record["started"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def is_running(instance: Instance) -> bool:
    """Whether the instance's LocalStack runs, be it still starting."""
    process = find(instance)
    return process is not None and process.running


def start(instance: Instance) -> bool:
    """Start the instance's LocalStack unless it runs; False if it did. It answers only a while later.

    Raises StartFailed if it is not set up, or a port that it needs is taken.
    """
    if is_running(instance):
        return False
    if not PYTHON.exists():
        raise StartFailed(f"{PYTHON} is missing: set up with `make setup`")
    _sweep(instance)
    for port in (instance.port, instance.websocket_port):
        _require_free(port)
    instance.make_home()
    command = [str(PYTHON), "-m", "localstack_dockerless"]
    # Without its number in the file nobody could end it.
    with uninterrupted(), instance.log_file.open("wb") as log:
        child = subprocess.Popen(
            [*command, "--port", str(instance.port), "--data-dir", str(instance.data_dir)],
            env=_environment(instance),
            cwd=instance.home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Of its own, so that a Ctrl-C meant for the command does not reach it.
            start_new_session=True,
        )
        instance.pid_file.write_text(json.dumps({"pid": child.pid, "started": processes.started_at(child.pid) or ""}))
    return True


def wait_until_healthy(instance: Instance) -> None:
    """Raises StartFailed, with what LocalStack last wrote, if it ends or does not answer in time."""
    deadline = time.monotonic() + START_S
    while not healthy(instance.local_url):
        if not is_running(instance):
            raise StartFailed(f"LocalStack ended while starting; {last_lines(instance)}")
        if time.monotonic() > deadline:
            raise StartFailed(f"LocalStack did not answer within {START_S:g} s; {last_lines(instance)}")
        time.sleep(0.1)


def healthy(endpoint_url: str) -> bool:
    """Whether a LocalStack answers there."""
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_localstack/health", timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def stop(instance: Instance) -> bool:
    """End the instance's LocalStack with all that it started; False if nothing was running."""
    process = find(instance)
    was_running = process is not None and process.running
    if process is not None and was_running:
        processes.end(process.pid, process.started, STOP_S)
    _sweep(instance)
    instance.pid_file.unlink(missing_ok=True)
    instance.forget_endpoint()
    shutil.rmtree(instance.data_dir, ignore_errors=True)
    return was_running


def last_lines(instance: Instance) -> str:
    """The end of LocalStack's log, in one line."""
    try:
        lines = [line.strip() for line in instance.log_file.read_text(errors="replace").splitlines() if line.strip()]
    except FileNotFoundError:
        lines = []
    return f"its log {instance.log_file} ends: {' | '.join(lines[-LOG_LINES:]) or '(nothing)'}"


def _environment(instance: Instance) -> dict[str, str]:
    # An AWS profile or endpoint of the user's must not become LocalStack's own.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ours = {"WEBSOCKET_PORT": str(instance.websocket_port), "LAMBDA_PROCESS_PYTHON": str(LAMBDA_PYTHON)}
    return inherited | ours


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            owner = processes.port_owner(port) or "another program"
            raise StartFailed(
                f"port {port} is taken by {owner}; choose another with --port or FLEETGLOW_PORT"
            ) from error


def _sweep(instance: Instance) -> None:
    """Kill what a LocalStack that was killed, and its warden with it, has left behind."""
    for folder in _process_folders(instance.data_dir):
        # The warden kills what the folder records as soon as its standard input ends: at once.
        command = [str(PYTHON), "-m", "localstack_dockerless.warden", str(folder)]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False, timeout=30)


def _process_folders(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("var/lib/localstack/cache/dockerless/processes/*"))
