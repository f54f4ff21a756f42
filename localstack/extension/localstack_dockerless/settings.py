"""Every setting of the extension, read from the environment when it is needed. README.md describes them."""

import os
import sys


def lambda_python() -> str:
    """LAMBDA_PROCESS_PYTHON: the interpreter that runs functions; its environment holds awslambdaric and boto3."""
    return os.environ.get("LAMBDA_PROCESS_PYTHON") or sys.executable
