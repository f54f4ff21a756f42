"""However LocalStack ends, nothing of it stays behind."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

# A handler whose program does not end by itself, not even when its parent does.
CODE = """
import subprocess
subprocess.Popen(["sleep", "3600"], start_new_session=False)
def handler(event, context):
    return "ready"
"""


def populate(localstack: Any) -> dict[int, str]:
    """Give LocalStack children of all kinds. Their commands by id."""
    localstack.create_function("lingering", CODE)
    assert localstack.invoke("lingering")["Result"] == "ready"
    localstack.client("elasticache").create_replication_group(
        ReplicationGroupId="cache", ReplicationGroupDescription="cache"
    )
    localstack.client("kinesis").create_stream(StreamName="stream", ShardCount=1)
    started: dict[int, str] = localstack.descendants()
    for part in ("awslambdaric", "sleep 3600", "valkey", "kinesis-local", "dockerless.warden", "dockerless.websocket"):
        assert any(part in command for command in started.values()), f"{part} is not in {started}"
    return started


def alive(started: dict[int, str], processes: Any) -> dict[int, str]:
    """Those of the processes that are still running, and not another one under the same id."""
    running = processes()
    return {pid: command for pid, command in started.items() if running.get(pid, (0, ""))[1] == command}


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def test_nothing_survives_localstack(new_localstack: Any, processes: Any, eventually: Any, tmp_path: Path) -> None:
    localstack = new_localstack(tmp_path)

    localstack.start()
    started = populate(localstack)
    kill(localstack.process)
    eventually(lambda: not alive(started, processes), timeout_s=5)

    localstack.start()
    started = populate(localstack)
    warden = next(pid for pid, command in started.items() if "dockerless.warden" in command)
    os.kill(warden, signal.SIGKILL)
    kill(localstack.process)
    assert alive(started, processes), "with the warden gone, only the next start can clean up"

    localstack.start()
    assert not alive(started, processes)
    started = localstack.descendants() | populate(localstack)
    assert localstack.terminate() < 10
    assert localstack.process.returncode == 0
    eventually(lambda: not alive(started, processes), timeout_s=2)
    with socket.create_server(("127.0.0.1", localstack.port)):
        pass


def test_a_second_localstack_on_the_same_folder_is_refused(localstack: Any, new_localstack: Any) -> None:
    second = new_localstack(localstack.log.parent)
    second.log = localstack.log.with_name("second.log")
    with pytest.raises(AssertionError, match="another LocalStack runs on the data folder"):
        second.start()


def test_a_taken_port_is_named(localstack: Any, new_localstack: Any, tmp_path: Path) -> None:
    second = new_localstack(tmp_path)
    second.port = localstack.port
    with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{localstack.port}: Address already in use"):
        second.start()


def test_a_taken_port_of_the_websocket_gateway_is_named(new_localstack: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = new_localstack(tmp_path, WEBSOCKET_PORT=str(port))
        expected = f"cannot listen on 127.0.0.1:{port}: Address already in use. Set WEBSOCKET_PORT to a free port"
        with pytest.raises(AssertionError, match=expected):
            refused.start()
    assert [line for line in refused.log.read_text().splitlines() if line] == [
        f"localstack-dockerless: {expected}, or to 0 for any"
    ]


@pytest.mark.parametrize("name", ["KINESIS_RETENTION_MB", "WEBSOCKET_IDLE_SECONDS"])
def test_a_setting_that_is_no_number_is_named(new_localstack: Any, tmp_path: Path, name: str) -> None:
    refused = new_localstack(tmp_path, **{name: "many"})
    with pytest.raises(AssertionError, match=f"localstack-dockerless: {name}: expected a number, got 'many'"):
        refused.start()


def test_it_listens_on_the_address_it_was_given_only(localstack: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", localstack.port), timeout=2)
