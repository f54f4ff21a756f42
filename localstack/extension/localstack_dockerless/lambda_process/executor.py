"""Runs Lambda functions as processes of this machine; LocalStack's plugin point is RuntimeExecutor."""

import logging
import shutil
import tempfile
import threading
import time
from pathlib import Path

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import (
    FunctionVersion,
    HotReloadingCode,
    InitializationType,
    InvocationResult,
    LayerVersion,
    S3Code,
    VersionFunctionConfiguration,
)
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from localstack import config
from localstack_dockerless import settings
from localstack_dockerless.lambda_process import metrics
from localstack_dockerless.lambda_process.environment import FunctionFiles, process_environment
from localstack_dockerless.lambda_process.report import Reporter
from localstack_dockerless.lambda_process.runtime_process import InitError, Invocation, Outcome, RuntimeProcess, error

LOG = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
# LocalStack stops a start of its own accord after LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT and then answers the caller with a
# server error; ending it before lets the function's log say what happened.
INIT_MARGIN_S = 1.0


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One execution environment. The process is replaced, at the next invocation, when it has ended or timed out."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 - the base class's name
        super().__init__(id, function_version)
        self._python = settings.lambda_python()
        self._timeout_s = float(function_version.config.timeout)
        self._reporter = Reporter(
            version=function_version.id.qualifier,
            memory_mb=int(function_version.config.memory_size),
            as_json=function_version.config.logging_config.get("LogFormat") == "JSON",
        )
        self._environment: dict[str, str] = {}
        self._scratch: Path | None = None
        # Serializes use of the process with its end; `stop` first kills it, so that nobody holds this for long.
        self._lock = threading.Lock()
        self._stopped = False
        self._process: RuntimeProcess | None = None
        self._init_ms: float | None = None
        self._init_error: bytes | None = None
        self._init_log = ""

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the process and wait until its handler is loaded.

        A failure is kept for the invocation that needed the environment, so that its log reaches CloudWatch Logs; with
        provisioned concurrency there is no such invocation, so it is raised.
        """
        self._scratch = Path(tempfile.mkdtemp(prefix="lambda-"))
        function = self.function_version.config
        self._environment = process_environment(
            env_vars,
            FunctionFiles(
                code=_code(function).get_unzipped_code_location(),
                layers=[_code(layer).get_unzipped_code_location() for layer in function.layers],
                scratch=self._scratch,
            ),
            python=self._python,
            runtime=str(function.runtime),
        )
        with self._lock:
            self._start_process()
        provisioned = env_vars.get("AWS_LAMBDA_INITIALIZATION_TYPE") == InitializationType.provisioned_concurrency
        if self._init_error is not None and provisioned:
            raise StatusErrorException("Environment startup failed", payload=self._init_error)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id = payload["invoke-id"]
        with self._lock:
            if self._process is not None and not self._process.is_alive:
                # It died since the last invocation, which is no failure of this one.
                self._end_process()
            if self._process is None and self._init_error is None:
                self._start_process()
            log = self._init_log + self._reporter.start(request_id)
            started = time.monotonic()
            if self._process is None:
                outcome = Outcome(self._init_error or b"{}", is_error=True)
                init_ms, memory = None, None
            else:
                outcome = self._process.invoke(
                    Invocation(
                        request_id=request_id,
                        function_arn=payload["invoked-function-arn"],
                        trace_id=payload["trace-id"],
                        payload=payload["payload"].encode(),
                        timeout_s=self._timeout_s,
                    )
                )
                init_ms, memory = self._init_ms, self._process.max_memory_mb()
            duration_ms = (time.monotonic() - started) * 1000
            outcome = _within_limit(outcome)
            if self._process is not None:
                if outcome.ended:
                    self._process.kill()
                log += self._process.api.take_log()
            log += self._reporter.failure(request_id, outcome)
            log += self._reporter.end(request_id, outcome, duration_ms, memory, init_ms)
            self._init_log, self._init_error, self._init_ms = "", None, None
            if outcome.ended:
                self._end_process()
        function = self.function_version.id
        metrics.record_duration(function.account, function.region, function.function_name, duration_ms)
        return InvocationResult(request_id, outcome.payload, is_error=outcome.is_error, logs=log)

    def stop(self) -> None:
        self._stopped = True
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._end_process()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)

    def get_address(self) -> str:
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}"

    def get_logs(self) -> str:
        return self._init_log

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the code and the layers. What is raised becomes the reason why the function's state is Failed."""
        function = function_version.config
        if not str(function.runtime).startswith("python"):
            got = f"the runtime {function.runtime}" if function.runtime else "a container image"
            raise LambdaRuntimeException(f"expected a Python runtime and a .zip archive, got {got}")
        python = settings.lambda_python()
        if shutil.which(python) is None and not Path(python).is_file():
            raise LambdaRuntimeException(f"LAMBDA_PROCESS_PYTHON is not a program: {python}")
        for code in (_code(function), *(_code(layer) for layer in function.layers)):
            code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Nothing to do: LocalStack removes the unpacked code itself."""

    def _start_process(self) -> None:
        if self._stopped:
            raise LambdaRuntimeException("the execution environment was stopped")
        function = self.function_version.config
        started = time.monotonic()
        process = RuntimeProcess(
            self._python, str(function.handler), Path(self._environment["LAMBDA_TASK_ROOT"]), self._environment
        )
        self._process = process
        try:
            process.wait_ready(max(1.0, config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT - INIT_MARGIN_S))
        except InitError as init_error:
            process.kill()
            self._init_error = init_error.payload
        self._init_log = process.api.take_log()
        self._init_ms = (time.monotonic() - started) * 1000
        if self._init_error is not None or self._stopped:
            self._end_process()
        if self._stopped:
            raise LambdaRuntimeException("the execution environment was stopped while it started")

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()


def _code(packaged: VersionFunctionConfiguration | LayerVersion) -> S3Code | HotReloadingCode:
    if packaged.code is None:
        raise LambdaRuntimeException("expected a .zip archive, got none")
    return packaged.code


def _within_limit(outcome: Outcome) -> Outcome:
    limit = config.LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES
    if len(outcome.payload) <= limit:
        return outcome
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return Outcome(error("Function.ResponseSizeTooLarge", message), is_error=True)
