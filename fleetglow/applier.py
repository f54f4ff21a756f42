"""Records given to the aggregator by hand, instead of by the stream."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fleetglow.backoff import Backoff
from fleetglow.errors import FleetglowError
from fleetglow.operated import told_in_a_line

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

# A range of records is done only when all of them are: one call of the cache that fails must not end it.
PATIENCE_S = 30.0
# What an aggregator that works has no trouble with.
NOTHING: dict[str, Any] = {"redrive": True, "Records": []}


class Applier:
    """Invokes the aggregator, once more where the live state does not answer it.

    Args:
        function: the aggregator's name.
        clock: seconds.
        sleep: for so many seconds.
    """

    def __init__(
        self,
        lambdas: "LambdaClient",
        function: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        self._lambdas = lambdas
        self._function = function
        self._clock = clock
        self._sleep = sleep
        self._backoff = backoff or Backoff(first_s=0.5, longest_s=8)
        self._has_worked = False

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """What the aggregator says of the records in an event, or the error it ended with, as Lambda reports it.

        Raises:
            FleetglowError: it cannot apply anything at present, whatever the record; or cannot be invoked.
        """
        deadline = self._clock() + PATIENCE_S
        failures = 0
        while (answer := self._invoke(event)).get("errorType") == "Unavailable":
            if self._clock() > deadline:
                raise FleetglowError(f"nothing can be applied at present: {answer['errorMessage']}")
            failures += 1
            self._sleep(self._backoff.wait_s(failures))
        if "errorMessage" in answer and not self._has_worked and "errorMessage" in (empty := self._invoke(NOTHING)):
            # Broken code is no fault of the record's, and would fail on thousands of them, one after the other.
            reason = f"{empty.get('errorType', 'error')}: {empty['errorMessage']}"
            raise FleetglowError(f"{self._function} is broken, for it fails also on no record at all: {reason}")
        self._has_worked = True
        return answer

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        with told_in_a_line(f"the aggregator {self._function} cannot be invoked"):
            invoked = self._lambdas.invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
            answer: dict[str, Any] = json.loads(invoked["Payload"].read())
        return answer
