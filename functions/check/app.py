"""Every minute: are the counts exact?"""

from functools import cache
from typing import Any

from adapters.live_state import LiveState
from adapters.observability import logger, metrics
from check.checker import Checker


@cache
def state() -> LiveState:
    return LiveState.from_env()


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: object) -> dict[str, dict[str, int]]:
    return {"differences": Checker(state()).run()}
