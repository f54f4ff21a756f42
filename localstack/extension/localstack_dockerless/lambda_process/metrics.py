"""CloudWatch metrics of Lambda functions, summed up and sent every few seconds.

LocalStack sends one PutMetricData request to itself for each invocation, which costs more than the invocation.
"""

import logging
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.aws.connect import connect_to

LOG = logging.getLogger(__name__)

FLUSH_INTERVAL_S = 10.0


@dataclass
class Sums:
    """What happened to one function since the last flush; durations in milliseconds."""

    invocations: int = 0
    errors: int = 0
    timed: int = 0
    duration_ms: float = 0.0
    shortest_ms: float = float("inf")
    longest_ms: float = 0.0

    def metric_data(self, function_name: str, at: datetime) -> list[dict[str, Any]]:
        common = {"Dimensions": [{"Name": "FunctionName", "Value": function_name}], "Timestamp": at}
        data: list[dict[str, Any]] = []
        if self.invocations:
            data.append(
                {**common, "MetricName": "Invocations", "Unit": "Count", "StatisticValues": _ones(self.invocations)}
            )
            data.append(
                {
                    **common,
                    "MetricName": "Errors",
                    "Unit": "Count",
                    "StatisticValues": _share(self.errors, self.invocations),
                }
            )
        if self.timed:
            statistics = {
                "SampleCount": self.timed,
                "Sum": self.duration_ms,
                "Minimum": self.shortest_ms,
                "Maximum": self.longest_ms,
            }
            data.append({**common, "MetricName": "Duration", "Unit": "Milliseconds", "StatisticValues": statistics})
        return data


def _ones(count: int) -> dict[str, float]:
    return {"SampleCount": count, "Sum": count, "Minimum": 1, "Maximum": 1}


def _share(ones: int, count: int) -> dict[str, float]:
    return {"SampleCount": count, "Sum": ones, "Minimum": int(ones == count), "Maximum": int(ones > 0)}


class Aggregator:
    """Thread-safe sums per (account, region, function)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: defaultdict[tuple[str, str, str], Sums] = defaultdict(Sums)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add_invocation(self, function_name: str, account_id: str, region_name: str) -> None:
        with self._lock:
            self._sums[account_id, region_name, function_name].invocations += 1

    def add_error(self, function_name: str, account_id: str, region_name: str) -> None:
        with self._lock:
            sums = self._sums[account_id, region_name, function_name]
            sums.invocations += 1
            sums.errors += 1

    def add_duration(self, account_id: str, region_name: str, function_name: str, duration_ms: float) -> None:
        with self._lock:
            sums = self._sums[account_id, region_name, function_name]
            sums.timed += 1
            sums.duration_ms += duration_ms
            sums.shortest_ms = min(sums.shortest_ms, duration_ms)
            sums.longest_ms = max(sums.longest_ms, duration_ms)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="lambda-metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_INTERVAL_S):
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            sums, self._sums = self._sums, defaultdict(Sums)
        by_region: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        now = datetime.now(UTC)
        for (account_id, region_name, function_name), counted in sums.items():
            by_region[account_id, region_name] += counted.metric_data(function_name, now)
        for (account_id, region_name), data in by_region.items():
            try:
                client = connect_to(aws_access_key_id=account_id, region_name=region_name).cloudwatch
                client.put_metric_data(Namespace="AWS/Lambda", MetricData=data)
            except (BotoCoreError, ClientError) as error:
                LOG.warning("Lambda metrics of %s in %s were not recorded: %s", account_id, region_name, error)


AGGREGATOR = Aggregator()


def record_duration(account_id: str, region_name: str, function_name: str, duration_ms: float) -> None:
    AGGREGATOR.add_duration(account_id, region_name, function_name, duration_ms)
