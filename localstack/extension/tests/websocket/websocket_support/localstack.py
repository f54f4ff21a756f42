"""A LocalStack with the extension, on ports and in a folder of its own."""

import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import WaiterError

REPOSITORY = Path(__file__).parents[5]
# The environments that hold LocalStack with the extension, and what functions run on.
PYTHON = Path(os.environ.get("DOCKERLESS_PYTHON") or REPOSITORY / ".local/localstack/bin/python")
LAMBDA_PYTHON = Path(os.environ.get("LAMBDA_PROCESS_PYTHON") or REPOSITORY / ".local/runtime/bin/python")
START_S = 60.0
# Of what becomes of a CloudFormation stack.
POLL_S, POLLS = 0.2, 450


class LocalStack:
    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.port = _free_port()
        self.websocket_port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        data_dir.mkdir(parents=True, exist_ok=True)
        self._log = data_dir / "localstack.log"
        settings = {"WEBSOCKET_PORT": str(self.websocket_port), "LAMBDA_PROCESS_PYTHON": str(LAMBDA_PYTHON)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [PYTHON, "-m", "localstack_dockerless", "--port", str(self.port), "--data-dir", str(data_dir)],
                cwd=data_dir,
                env={**os.environ, **settings, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                with urllib.request.urlopen(f"{self.url}/_localstack/health", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                # A poll of a server that is starting; there is nothing to wait on.
                time.sleep(0.1)
        raise AssertionError(f"LocalStack is not ready after {START_S} s: {self.log()}")

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.process.wait(30)

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )

    def gateway_health(self) -> dict[str, Any]:
        """What the WebSocket gateway says of itself. Raises URLError or ConnectionError while there is none."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.websocket_port}/_health", timeout=5) as response:
            content: dict[str, Any] = json.loads(response.read())
            return content

    def upload_code(self, bucket: str, key: str, folder: Path) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path in folder.rglob("*.py"):
                archive.write(path, path.relative_to(folder))
        s3 = self.client("s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=buffer.getvalue())

    def deploy(self, stack: str, template: str, *, update: bool = False, **parameters: str) -> dict[str, str]:
        """Create or update a stack; its outputs."""
        cloudformation = self.client("cloudformation")
        operation, waiter = ("update", "stack_update_complete") if update else ("create", "stack_create_complete")
        getattr(cloudformation, f"{operation}_stack")(
            StackName=stack,
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        try:
            cloudformation.get_waiter(waiter).wait(
                StackName=stack, WaiterConfig={"Delay": POLL_S, "MaxAttempts": POLLS}
            )
        except WaiterError as error:
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in events]
            raise AssertionError("\n".join(reasons)) from error
        [description] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}

    def delete(self, stack: str) -> None:
        cloudformation = self.client("cloudformation")
        cloudformation.delete_stack(StackName=stack)
        waiter = cloudformation.get_waiter("stack_delete_complete")
        waiter.wait(StackName=stack, WaiterConfig={"Delay": POLL_S, "MaxAttempts": POLLS})


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
