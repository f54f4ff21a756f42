"""Route selection expressions of WebSocket APIs: which route key a message asks for.

`$request.body.action`, `${request.body.action}`, paths (`$request.body.command.name`, `$request.body.items[0].kind`),
and several `${…}` with text between them.
"""

import json
import re
from typing import Any

_WHOLE = re.compile(r"\$(request\.body(?:\.[^\s{}$]+)?)\Z")
_PLACEHOLDER = re.compile(r"\$\{(request\.body(?:\.[^\s{}$]+)?)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def is_valid_expression(expression: str) -> bool:
    return bool(_WHOLE.match(expression) or _PLACEHOLDER.search(expression))


def select_route_key(expression: str, message: str) -> str | None:
    """The route key that `message` asks for, or None when it is no JSON or lacks what the expression names."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):  # the latter for brackets without end
        return None
    if whole := _WHOLE.match(expression):
        return _scalar(_resolve(whole[1], body))
    values = [_scalar(_resolve(path, body)) for path in _PLACEHOLDER.findall(expression)]
    if not values or None in values:
        return None
    parts = iter(values)
    return _PLACEHOLDER.sub(lambda _: next(parts) or "", expression)


def _resolve(path: str, body: Any) -> Any:
    """What stands at `request.body.a.b[0]` in the body; None when there is nothing."""
    value = body
    for name, index in _STEP.findall(path.removeprefix("request.body")):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value


def _scalar(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return None
