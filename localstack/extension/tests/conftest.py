"""One LocalStack with the extension for all tests, and what they need to talk to it.

EXTENSION_PYTHON is an interpreter with the package installed, LAMBDA_PROCESS_PYTHON one with awslambdaric and boto3;
they default to the environments that this repository sets up.
"""

import io
import json
import os
import socket
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

LOCAL = Path(__file__).resolve().parents[3] / ".local"
EXTENSION_PYTHON = os.environ.get("EXTENSION_PYTHON") or str(LOCAL / "localstack" / "bin" / "python")
LAMBDA_PYTHON = os.environ.get("LAMBDA_PROCESS_PYTHON") or str(LOCAL / "runtime" / "bin" / "python")
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
ROLE = "arn:aws:iam::000000000000:role/any"


def wait_for[T](condition: Callable[[], T], timeout_s: float = 15.0) -> T:
    """The first true value of `condition`. Raises AssertionError at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def zipped(files: dict[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
    return archive.getvalue()


def running_processes() -> dict[int, tuple[int, str]]:
    """Parent and command of each process that is not a zombie, by id."""
    command = ["ps", "-axwwo", "pid=,ppid=,stat=,command="]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    fields = (line.split(None, 3) for line in lines)
    return {int(pid): (int(parent), rest[0]) for pid, parent, state, *rest in fields if not state.startswith("Z")}


class LocalStack:
    """A LocalStack in a folder of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "localstack.log"
        self._folder = folder
        self._settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # What a developer has exported is for another LocalStack; a port of 0 lets the WebSocket gateway choose.
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"LAMBDA_PROCESS_PYTHON": LAMBDA_PYTHON, "WEBSOCKET_PORT": "0", **self._settings}
        arguments = ["-m", "localstack_dockerless", "--port", str(self.port), "--data-dir", str(self._folder / "data")]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [EXTENSION_PYTHON, *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_for(self._is_ready, START_TIMEOUT_S)

    def _is_ready(self) -> bool:
        text = self.log.read_text()
        assert self.process is not None
        assert self.process.poll() is None, f"LocalStack ended:\n{text}"
        return "\nReady." in text

    def terminate(self) -> float:
        """Stop in order. The seconds it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(STOP_TIMEOUT_S)
        return time.monotonic() - started

    def descendants(self) -> dict[int, str]:
        """The commands of all processes that this LocalStack has started, directly or not, by id."""
        assert self.process is not None
        processes = running_processes()
        found: dict[int, str] = {}
        generation = {self.process.pid}
        while generation:
            generation = {pid for pid, (parent, _) in processes.items() if parent in generation}
            found |= {pid: processes[pid][1] for pid in generation}
        return found

    def client(self, service: str) -> Any:
        create: Any = boto3.client  # the stubs know each service by its literal name only
        return create(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, max_pool_connections=20),
        )

    def create_function(self, name: str, code: str, **options: Any) -> None:
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": zipped({"app.py": code})},
            **options,
        )

    def invoke(self, name: str, event: Any = None, **options: Any) -> Any:
        """The response, with the parsed payload under "Result"."""
        response = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **options)
        body = response["Payload"].read()
        return response | {"Result": json.loads(body) if body else None}

    def settled_stack(self, name: str) -> Any:
        """The stack once no operation is in progress."""
        describe = self.client("cloudformation").describe_stacks

        def settled() -> Any:
            stack = describe(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        return wait_for(settled, 60.0)

    def create_stack(self, name: str, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> Any:
        self.client("cloudformation").create_stack(StackName=name, TemplateBody=template(resources, outputs))
        return self.settled_stack(name)

    def update_stack(self, name: str, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> Any:
        self.client("cloudformation").update_stack(StackName=name, TemplateBody=template(resources, outputs))
        return self.settled_stack(name)


def template(resources: dict[str, Any], outputs: dict[str, Any] | None) -> str:
    values = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return json.dumps({"Resources": resources, **({"Outputs": values} if values else {})})


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    instance = LocalStack(tmp_path_factory.mktemp("localstack"))
    instance.start()
    yield instance
    instance.terminate()


@pytest.fixture(scope="session")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A LocalStack that keeps little: 0.1 MB of a shard's records and of a log group's events."""
    settings = {"KINESIS_RETENTION_MB": "0.1", "LOGS_RETENTION_MB": "0.1"}
    instance = LocalStack(tmp_path_factory.mktemp("forgetful"), **settings)
    instance.start()
    yield instance
    instance.terminate()


@pytest.fixture
def new_localstack() -> Iterator[Callable[..., LocalStack]]:
    """For tests that stop it; one that a failed test leaves running is stopped here."""
    created: list[LocalStack] = []

    def create(folder: Path, **settings: str) -> LocalStack:
        created.append(LocalStack(folder, **settings))
        return created[-1]

    yield create
    for instance in created:
        if instance.process is not None and instance.process.poll() is None:
            instance.terminate()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """`wait_for`, which test modules cannot import from here."""
    return wait_for


@pytest.fixture(scope="session")
def processes() -> Callable[[], dict[int, tuple[int, str]]]:
    return running_processes


@pytest.fixture(scope="session")
def archive() -> Callable[[dict[str, str]], bytes]:
    return zipped


@pytest.fixture
def outputs() -> Callable[[Any], dict[str, str]]:
    return lambda stack: {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
