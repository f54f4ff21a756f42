"""Lambda, for a function whose handler is called here."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

from factories import LambdaContext


class FakeLambdas:
    """Invokes one handler; what it raises comes back as Lambda tells it.

    Attributes:
        invoked: how often it was.
    """

    def __init__(self, handler: Callable[[dict[str, Any], Any], Any]) -> None:
        self.invoked = 0
        self._handler = handler

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.invoked += 1
        try:
            answer, error = self._handler(json.loads(Payload), LambdaContext(FunctionName)), {}
        except Exception as raised:  # noqa: BLE001 - as Lambda does
            answer = {"errorType": type(raised).__name__, "errorMessage": str(raised)}
            error = {"FunctionError": "Unhandled"}
        return {"StatusCode": 200, "Payload": BytesIO(json.dumps(answer).encode()), **error}
