"""Every setting of the extension, read from the environment when it is needed. README.md describes them."""

import os
import sys


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
