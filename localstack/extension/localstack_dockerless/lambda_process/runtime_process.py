"""One execution environment of a function: a process that runs `awslambdaric`, and the invocations sent to it."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from localstack_dockerless.lambda_process.runtime_api import PREFIX, Connection, Exited, RuntimeApi
from localstack_dockerless.lifecycle import stop_process, tethered_popen


@dataclass(frozen=True)
class Invocation:
    request_id: str
    function_arn: str
    trace_id: str
    payload: bytes
    timeout_s: float


@dataclass(frozen=True)
class Outcome:
    """What became of an invocation. `payload` is JSON; with `is_error` it has errorType and errorMessage.

    `ended`: the process is gone or of no more use.
    """

    payload: bytes
    is_error: bool = False
    ended: bool = False
    timed_out: bool = False


class InitError(Exception):
    """The process did not get as far as asking for its first event. `payload` says why, in JSON."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload


class RuntimeProcess:
    """Use from one thread at a time; only `kill` may come from another."""

    def __init__(self, python: str, handler: str, code: Path, environment: dict[str, str]) -> None:
        self.api = RuntimeApi()
        self._parked: Connection | None = None
        # -s: packages in the user's home are not the function's.
        self._process = tethered_popen(
            [python, "-s", "-m", "awslambdaric", handler],
            cwd=code,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.api.attend(self._process)

    def wait_ready(self, timeout_s: float) -> None:
        """Block until the handler is loaded. Raises InitError."""
        try:
            self._park_next(time.monotonic() + timeout_s)
        except TimeoutError:
            raise InitError(error("Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds")) from None
        except Exited:
            raise InitError(error("Runtime.ExitError", f"Error: {self._exit_reason()}")) from None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Send one event to a process that is ready, and wait for what becomes of it."""
        deadline = time.monotonic() + invocation.timeout_s
        try:
            if self._parked is None:
                self._park_next(deadline)
            self._send_event(invocation)
            return self._wait_for_result(invocation, deadline)
        except TimeoutError:
            seconds = f"{invocation.timeout_s:.2f} seconds"
            message = f"{utc_now()} {invocation.request_id} Task timed out after {seconds}"
            return Outcome(error("Sandbox.Timedout", message), is_error=True, ended=True, timed_out=True)
        except (Exited, ConnectionError):
            message = f"RequestId: {invocation.request_id} Error: {self._exit_reason()}"
            return Outcome(error("Runtime.ExitError", message), is_error=True, ended=True)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def max_memory_mb(self) -> int | None:
        """The most memory the process has used, rounded up; None where /proc does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return None
        kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), None)
        return None if kilobytes is None else -(-int(kilobytes) // 1024)

    def kill(self) -> None:
        """End the process and all that it started."""
        stop_process(self._process)

    def close(self) -> None:
        self.kill()
        self.api.close()

    def _park_next(self, deadline: float) -> None:
        while self._parked is None:
            connection, request = self.api.wait(deadline)
            if request.path == PREFIX + "init/error":
                connection.send("202 Accepted", {}, b"")
                self.api.drain_output()
                raise InitError(request.body)
            if request.path == PREFIX + "invocation/next":
                self._parked = connection
            else:
                connection.send("400 Bad Request", {}, b"")

    def _send_event(self, invocation: Invocation) -> None:
        connection, self._parked = self._parked, None
        assert connection is not None  # noqa: S101 - for the type checker
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + invocation.timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        connection.send("200 OK", headers, invocation.payload)

    def _wait_for_result(self, invocation: Invocation, deadline: float) -> Outcome:
        path = f"{PREFIX}invocation/{invocation.request_id}/"
        while True:
            connection, request = self.api.wait(deadline)
            if request.path in {path + "response", path + "error"}:
                self.api.drain_output()
                connection.send("202 Accepted", {}, b"")
                return Outcome(request.body, is_error=request.path.endswith("error"))
            connection.send("400 Bad Request", {}, b"")

    def _exit_reason(self) -> str:
        """In the words of Lambda."""
        self.kill()
        code = self._process.returncode
        if code == 0:
            return "Runtime exited without providing a reason"
        if code < 0:
            return f"Runtime exited with error: signal: {SIGNAL_NAMES.get(-code, -code)}"
        return f"Runtime exited with error: exit status {code}"


# As Go's syscall.Signal prints them, which is what Lambda shows.
SIGNAL_NAMES = {
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    15: "terminated",
}


def error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def utc_now() -> str:
    """Like 2026-01-31T12:00:00.000Z."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03d}Z"
