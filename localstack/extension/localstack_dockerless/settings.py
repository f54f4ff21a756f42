"""Every setting of the extension, read from the environment when it is needed. README.md describes them."""

import os
import sys
from collections.abc import Mapping

# What a shard keeps; `kinesis_retention.cjs` reads the same variables. Zero is no limit.
DEFAULT_RETENTION_MINUTES = 30.0
DEFAULT_RETENTION_MB = 128.0
# What a log group keeps.
DEFAULT_LOGS_MB = 10.0
BYTES_PER_MB = 1024 * 1024


def lambda_python() -> str:
    """LAMBDA_PROCESS_PYTHON: the interpreter that runs functions; its environment holds awslambdaric and boto3."""
    return os.environ.get("LAMBDA_PROCESS_PYTHON") or sys.executable


def cache_server_binary(engine: str) -> str | None:
    """ELASTICACHE_REDIS_BINARY or ELASTICACHE_VALKEY_BINARY, else ELASTICACHE_SERVER_BINARY."""
    return os.environ.get(f"ELASTICACHE_{engine.upper()}_BINARY") or os.environ.get("ELASTICACHE_SERVER_BINARY")


def cache_port() -> int | None:
    """ELASTICACHE_PORT: the port of the first cache."""
    port = os.environ.get("ELASTICACHE_PORT")
    return int(port) if port else None


def kinesis_retention(environ: Mapping[str, str]) -> tuple[float, float]:
    """KINESIS_RETENTION_MINUTES and KINESIS_RETENTION_MB. Raises ValueError that names the variable."""
    return (
        number(environ, "KINESIS_RETENTION_MINUTES", DEFAULT_RETENTION_MINUTES, lowest=0.0),
        number(environ, "KINESIS_RETENTION_MB", DEFAULT_RETENTION_MB, lowest=0.0),
    )


def logs_retention_bytes(environ: Mapping[str, str]) -> int:
    """LOGS_RETENTION_MB, in bytes. Raises ValueError that names the variable."""
    return int(number(environ, "LOGS_RETENTION_MB", DEFAULT_LOGS_MB, lowest=0.0) * BYTES_PER_MB)


def number(
    environ: Mapping[str, str], name: str, default: float, *, lowest: float, highest: float = sys.float_info.max
) -> float:
    """The finite number in a variable, or `default` if that is not set. Raises ValueError that names the variable."""
    text = environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: expected a number, got {text!r}") from None
    if not lowest <= value <= highest:
        expected = f"{lowest:g} to {highest:g}" if highest < sys.float_info.max else f"at least {lowest:g}"
        raise ValueError(f"{name}: expected {expected}, got {text}")
    return value
