"""The environment variables of a function's process: Lambda's and the function's own, and nothing of LocalStack's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Lambda's own values, for what the process would otherwise inherit.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
LOCALE = "en_US.UTF-8"


@dataclass(frozen=True)
class FunctionFiles:
    """Where the unpacked code and layers are.

    `scratch` becomes the home and temporary folder, so that the AWS profiles of whoever runs LocalStack stay out.
    """

    code: Path
    layers: list[Path]
    scratch: Path


def process_environment(
    declared: Mapping[str, object], function: FunctionFiles, *, python: str, runtime: str
) -> dict[str, str]:
    """`declared` is what LocalStack computed, the function's own variables included."""
    environment = {name: str(value) for name, value in declared.items()}
    # LocalStack passes the level as "Info", which the runtime client does not know.
    if level := environment.get("AWS_LAMBDA_LOG_LEVEL"):
        environment["AWS_LAMBDA_LOG_LEVEL"] = level.upper()
    search_path = [str(folder / "python") for folder in function.layers]
    search_path += filter(None, [environment.pop("PYTHONPATH", "")])
    return {
        "PATH": f"{Path(python).parent}{os.pathsep}{SYSTEM_PATH}",
        "LANG": LOCALE,
        "HOME": str(function.scratch),
        "TMPDIR": str(function.scratch),
        **environment,
        **({"PYTHONPATH": os.pathsep.join(search_path)} if search_path else {}),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "LAMBDA_TASK_ROOT": str(function.code),
    }
