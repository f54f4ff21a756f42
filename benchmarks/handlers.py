"""The functions' handlers outside Lambda: their environment, and how they are called."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).parents[1] / "functions"


@dataclass
class Context:
    """What the runtime tells a handler about its invocation."""

    function_name: str = "benchmark"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:benchmark"
    aws_request_id: str = "benchmark"


def prepare(**environment: str) -> None:
    """Give the handlers an environment as the template does."""
    os.environ.update(
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - no secret
        LOG_LEVEL="WARNING",
        POWERTOOLS_SERVICE_NAME="benchmark",
        POWERTOOLS_METRICS_NAMESPACE="Fleetglow",
        **environment,
    )


def module(name: str) -> Any:
    """A handler's module, by its name in the bundle."""
    sys.path.insert(0, str(FUNCTIONS))
    return importlib.import_module(name)


@contextmanager
def unread_output() -> Iterator[None]:
    """What functions print, their log and metric lines, goes where nobody reads it."""
    with redirect_stdout(StringIO()):
        yield


def invoker(handler: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Calls a handler as the runtime does."""
    context = Context()

    def invoke(event: dict[str, Any]) -> Any:
        with unread_output():
            return handler(event, context)

    return invoke
