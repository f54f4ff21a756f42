"""Log groups keep their newest events, as long as they are not too many."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

MESSAGE_BYTES = 700
# A message, and what keeping it costs besides.
EVENT_BYTES = 1000
LIMIT_BYTES = 104_857


class LogGroup:
    """A log group with the streams `a` and `b`."""

    def __init__(self, localstack: Any, name: str) -> None:
        self.name = name
        self.logs = localstack.client("logs")
        self.logs.create_log_group(logGroupName=name)
        for stream in "ab":
            self.logs.create_log_stream(logGroupName=name, logStreamName=stream)

    def put(self, stream: str, numbers: range) -> None:
        events = [
            {"timestamp": int(time.time() * 1000), "message": f"{number:06}".ljust(MESSAGE_BYTES, ".")}
            for number in numbers
        ]
        self.logs.put_log_events(logGroupName=self.name, logStreamName=stream, logEvents=events)

    def kept(self) -> list[int]:
        answer = self.logs.filter_log_events(logGroupName=self.name, limit=10_000)
        return sorted(int(event["message"][:6]) for event in answer["events"])

    def stored_bytes(self) -> int:
        [group] = self.logs.describe_log_groups(logGroupNamePrefix=self.name)["logGroups"]
        return int(group["storedBytes"])


def test_a_log_group_keeps_its_newest_events_whichever_stream_they_are_in(forgetful: Any) -> None:
    group = LogGroup(forgetful, "newest")
    for start in range(0, 400, 20):
        group.put("ab"[start % 40 // 20], range(start, start + 20))

    kept = group.kept()
    assert list(range(kept[0], 400)) == kept
    assert LIMIT_BYTES * 0.8 < len(kept) * EVENT_BYTES <= LIMIT_BYTES
    assert len(kept) * MESSAGE_BYTES == group.stored_bytes()


def test_events_of_a_stream_that_nobody_writes_to_any_more_go_first(forgetful: Any) -> None:
    group = LogGroup(forgetful, "abandoned")
    group.put("a", range(50))
    for start in range(50, 400, 25):
        group.put("b", range(start, start + 25))
    streams = group.logs.describe_log_streams(logGroupName="abandoned")["logStreams"]
    assert {"a": 0, "b": len(group.kept()) * MESSAGE_BYTES} == {
        stream["logStreamName"]: stream["storedBytes"] for stream in streams
    }
    group.put("a", range(400, 401))
    assert 400 in group.kept()


def test_a_group_that_is_created_again_starts_empty(forgetful: Any) -> None:
    LogGroup(forgetful, "again").put("a", range(90))
    forgetful.client("logs").delete_log_group(logGroupName="again")
    group = LogGroup(forgetful, "again")
    group.put("a", range(90))
    assert list(range(90)) == group.kept()


def test_listing_the_log_groups_does_not_take_longer_for_their_events(localstack: Any) -> None:
    group = LogGroup(localstack, "long")
    for start in range(0, 10_000, 1_000):
        group.put("a", range(start, start + 1_000))
    started = time.monotonic()
    for _ in range(10):
        assert group.stored_bytes() > 0
    # Some 0.1 s; with a copy of each event it was 10 s.
    assert time.monotonic() - started < 4


def test_a_metric_filter_counts_what_a_function_prints(localstack: Any, eventually: Any) -> None:
    localstack.create_function("printing", "def handler(event, context):\n    print('a line')\n")
    logs, cloudwatch = localstack.client("logs"), localstack.client("cloudwatch")
    logs.create_log_group(logGroupName="/aws/lambda/printing")
    metric = {"metricName": "Lines", "metricNamespace": "Counted", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName="/aws/lambda/printing", filterName="lines", filterPattern="", metricTransformations=[metric]
    )
    localstack.invoke("printing")

    def counted() -> bool:
        now = datetime.now(UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace="Counted",
            MetricName="Lines",
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        # START, the line itself, END, REPORT.
        return sum(point["Sum"] for point in points) >= 4

    eventually(counted)
    logs.delete_metric_filter(logGroupName="/aws/lambda/printing", filterName="lines")
    kept = logs.filter_log_events(logGroupName="/aws/lambda/printing")["events"]
    assert "a line" in {event["message"].strip() for event in kept}
