"""The lines that Lambda itself writes into a function's log."""

import json
import math
from dataclasses import dataclass
from typing import Any

from localstack_dockerless.lambda_process.runtime_process import Outcome, utc_now


@dataclass(frozen=True)
class Reporter:
    """`as_json`: the function's LoggingConfig asks for JSON."""

    version: str
    memory_mb: int
    as_json: bool

    def start(self, request_id: str) -> str:
        if self.as_json:
            return _event("platform.start", {"requestId": request_id, "version": self.version})
        return f"START RequestId: {request_id} Version: {self.version}\n"

    def failure(self, request_id: str, outcome: Outcome) -> str:
        """What Lambda adds when the runtime could not report the error itself."""
        if not outcome.ended:
            return ""
        message = json.loads(outcome.payload)["errorMessage"]
        if self.as_json:
            return _event("platform.fault", {"requestId": request_id, "message": message})
        return f"{message}\n" if outcome.timed_out else f"{message}\nRuntime.ExitError\n"

    def end(
        self, request_id: str, outcome: Outcome, duration_ms: float, max_memory_mb: int | None, init_ms: float | None
    ) -> str:
        used = self.memory_mb if max_memory_mb is None else max_memory_mb
        billed = math.ceil(duration_ms)
        if self.as_json:
            metrics = {"durationMs": round(duration_ms, 3), "billedDurationMs": billed, "memorySizeMB": self.memory_mb}
            metrics["maxMemoryUsedMB"] = used
            if init_ms is not None:
                metrics["initDurationMs"] = round(init_ms, 3)
            status = "timeout" if outcome.timed_out else "error" if outcome.is_error else "success"
            return _event("platform.report", {"requestId": request_id, "metrics": metrics, "status": status})
        fields = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {duration_ms:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {used} MB",
        ]
        if init_ms is not None:
            fields.append(f"Init Duration: {init_ms:.2f} ms")
        if outcome.timed_out:
            fields.append("Status: timeout")
        return f"END RequestId: {request_id}\n" + "\t".join(fields) + "\t\n"


def _event(kind: str, record: dict[str, Any]) -> str:
    return json.dumps({"time": utc_now(), "type": kind, "record": record}) + "\n"
