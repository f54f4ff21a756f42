"""What the functions wrote to CloudWatch Logs."""

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from fleetglow import aws
from fleetglow.deployment import Deployment
from fleetglow.errors import BadInput, NotRunning

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_logs.type_defs import FilteredLogEventTypeDef

UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
POLL_S = 1.0
# Lines reach CloudWatch Logs late and out of order: each round looks back this far for what it has not shown.
OVERLAP_MS = 30_000


def duration_ms(text: str) -> int:
    """Milliseconds from a duration as 30s, 10m, 2h or 1d."""
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text, re.ASCII)
    if match is None:
        raise BadInput(f"since: expected a duration as 30s, 10m, 2h or 1d, got {text!r}")
    return int(match[1]) * UNIT_MS[match[2]]


def lines(deployment: Deployment, function: str, since_ms: int, *, follow: bool) -> Iterator[str]:
    """The lines of the last `since_ms` milliseconds in order of time, and then for ever what comes, if to follow.

    Raises BadInput for an unknown function.
    """
    try:
        group = f"/aws/lambda/{deployment.functions[function]}"
    except KeyError:
        raise BadInput(f"function: expected one of {', '.join(deployment.functions)}, got {function!r}") from None
    client = boto3.client("logs", **aws.local(deployment.endpoint_url))
    start = time.time_ns() // 1_000_000 - since_ms
    seen: set[str] = set()
    while True:
        events = [event for event in _events(client, group, start) if event["eventId"] not in seen]
        for event in sorted(events, key=lambda event: event["timestamp"]):
            yield event["message"].rstrip("\n")
        if not follow:
            return
        seen.update(event["eventId"] for event in events)
        start = max(start, time.time_ns() // 1_000_000 - OVERLAP_MS)
        time.sleep(POLL_S)


def _events(client: "CloudWatchLogsClient", group: str, start: int) -> "Iterator[FilteredLogEventTypeDef]":
    try:
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start):
            yield from page["events"]
    except ClientError as error:
        # The group comes with the function's first line where the template did not make it.
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise NotRunning(f"the logs cannot be read: {error}") from error
    except BotoCoreError as error:
        raise NotRunning(f"the logs cannot be read: {error}") from error
