"""Makes LAMBDA_RUNTIME_EXECUTOR=process known to LocalStack."""

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *_args: Any, **_kwargs: Any) -> type[RuntimeExecutor]:
        """The executor's class; imported here so that looking at the plugins of a start costs little."""
        from localstack_dockerless.lambda_process.executor import ProcessRuntimeExecutor  # noqa: PLC0415

        return ProcessRuntimeExecutor
