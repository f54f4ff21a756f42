"""What a deployment costs a month on AWS, line by line: arithmetic on list prices and on what was measured here.

Free tiers are left out, except where they belong to a price list (the first 100 GB sent to the internet).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import NamedTuple

from fleetglow.errors import BadInput

MONTH_S = 30 * 24 * 3600
MONTH_H = MONTH_S / 3600
MILLION = 1_000_000
GIB = 2**30

# List prices in us-east-1, USD. https://aws.amazon.com/<service>/pricing/
PRICES_OF = "August 2026, us-east-1"


class Tier(NamedTuple):
    """A price for each unit up to this many."""

    up_to: float
    usd: float


REST_REQUESTS_PER_M = (Tier(333, 3.50), Tier(1_000, 2.80), Tier(20_000, 2.38), Tier(inf, 1.51))
WEBSOCKET_MESSAGES_PER_M = (Tier(1_000, 1.00), Tier(inf, 0.80))
SENT_PER_GB = (Tier(100, 0.0), Tier(10_240, 0.09), Tier(51_200, 0.085), Tier(153_600, 0.07), Tier(inf, 0.05))
CONNECTION_MINUTES_PER_M = 0.25
LAMBDA_REQUESTS_PER_M = 0.20
LAMBDA_PER_GB_S = 0.0000166667
KINESIS_SHARD_PER_H = 0.015
KINESIS_PUT_UNITS_PER_M = 0.014
SQS_REQUESTS_PER_M = 0.40
ENDPOINT_ZONE_PER_H = 0.01
ENDPOINT_PER_GB = 0.01
LOGS_PER_GB = 0.50
METRIC_PER_MONTH = 0.30
ALARM_METRIC_PER_MONTH = 0.10
DASHBOARD_PER_MONTH = 3.00
SECRET_PER_MONTH = 0.40
# Valkey is a fifth cheaper than Redis OSS on nodes of one's own: these are for Valkey.
CACHE_NODE_PER_H = {
    "cache.t4g.micro": 0.0128,
    "cache.t4g.small": 0.0256,
    "cache.t4g.medium": 0.052,
    "cache.m7g.large": 0.1264,
    "cache.m7g.xlarge": 0.2528,
    "cache.r7g.large": 0.1752,
}

# What is billed as one.
WEBSOCKET_MESSAGE_BYTES = 32 * 1024
KINESIS_PUT_UNIT_BYTES = 25 * 1024
SQS_REQUEST_BYTES = 64 * 1024
SHARD_RECORDS_PER_S = 1_000
SHARD_BYTES_PER_S = 1_000_000

# Of this project. Durations are of a warm invocation, in milliseconds, and rounded up: measure your own.
PING_BYTES = 120
RECORD_BYTES = 60
INGEST_GB, INGEST_MS, INGEST_MS_PER_PING = 0.25, 9.5, 0.15
AGGREGATE_GB, AGGREGATE_MS, AGGREGATE_MS_PER_PING = 0.5, 8.0, 0.03
DELIVER_GB, DELIVER_MS, DELIVER_MS_PER_POST = 0.5, 10.0, 0.5
AUTHORIZE_GB, AUTHORIZE_MS = 0.25, 3.0
CONNECTIONS_GB, CONNECTIONS_MS = 0.25, 20.0
CHECK_GB, CHECK_MS = 0.25, 50.0
BROADCAST_GB = 0.25
AUTHORIZED_S = 300
# API Gateway ends a connection after two hours; a viewer connects, subscribes and is disconnected.
CONNECTION_S = 7_200
EVENTS_PER_CONNECTION = 3
POSTS_PER_INVOCATION = 200
HEARTBEAT_S = 15
HEARTBEAT_BYTES = 150
# START, END and REPORT, and the metrics of the invocation.
LOG_BYTES_PER_INVOCATION = 750
# Each metric with each service that writes it; and what the alarms watch, of which those that add several up are
# charged for each.
METRICS = 49
ALARM_METRICS = 45
# A queue is polled by Lambda whether or not there is something in it: five pollers, each for 20 s at a time.
EMPTY_POLLS = 2 * 5 * MONTH_S / 20


@dataclass(frozen=True)
class Load:
    """What is to be paid for.

    Attributes:
        interval_s: between two pings of a driver.
        batch: pings in a request.
        frame_bytes: what a viewer gets at a tick, as JSON.
        tick_s: between two ticks.
        changing: the share of ticks at which something changes on a viewer's screen, 0 to 1.
    """

    drivers: int
    interval_s: float
    batch: int
    viewers: int
    frame_bytes: int
    tick_s: float
    changing: float
    cache_node: str
    cache_nodes: int


class Line(NamedTuple):
    """One item of the bill: `quantity` of `unit`, a month."""

    part: str
    item: str
    quantity: float
    unit: str
    usd: float


def bill(load: Load) -> list[Line]:
    """The month's bill.

    Raises:
        BadInput: the cache's node type has no price here.
    """
    return [*_ingest(load), *_fan_out(load), *_standing(load)]


def shards(load: Load) -> int:
    """How many shards take the records of the load, with half of each to spare."""
    records_per_s = load.drivers / load.interval_s / load.batch
    bytes_per_s = records_per_s * (RECORD_BYTES + load.batch * PING_BYTES)
    return max(1, ceil(2 * max(records_per_s / SHARD_RECORDS_PER_S, bytes_per_s / SHARD_BYTES_PER_S)))


def _ingest(load: Load) -> list[Line]:
    pings = load.drivers / load.interval_s * MONTH_S
    requests = pings / load.batch
    senders = ceil(load.drivers / load.batch)
    authorized = min(requests, senders * MONTH_S / AUTHORIZED_S)
    record_bytes = RECORD_BYTES + load.batch * PING_BYTES
    # A shard is polled once a second, and its records come in one invocation.
    batches = min(requests, shards(load) * MONTH_S)
    ingest_ms = INGEST_MS + INGEST_MS_PER_PING * load.batch
    seconds = (
        requests * ingest_ms / 1000 * INGEST_GB
        + authorized * AUTHORIZE_MS / 1000 * AUTHORIZE_GB
        + (batches * AGGREGATE_MS + pings * AGGREGATE_MS_PER_PING) / 1000 * AGGREGATE_GB
    )
    invocations = requests + authorized + batches
    part = "pings in"
    return [
        Line(part, "REST API", requests / MILLION, "M requests", _tiered(requests / MILLION, REST_REQUESTS_PER_M)),
        *_lambda(part, invocations, seconds),
        Line(part, "Kinesis, shards", shards(load), "shards", shards(load) * MONTH_H * KINESIS_SHARD_PER_H),
        _each(
            part,
            "Kinesis, records",
            requests * ceil(record_bytes / KINESIS_PUT_UNIT_BYTES) / MILLION,
            "M units",
            KINESIS_PUT_UNITS_PER_M,
        ),
    ]


def _fan_out(load: Load) -> list[Line]:
    ticks = MONTH_S / load.tick_s
    frames = load.viewers * ticks * load.changing
    heartbeats = load.viewers * (1 - load.changing) * MONTH_S / HEARTBEAT_S
    posts = frames + heartbeats
    sent = frames * load.frame_bytes + heartbeats * HEARTBEAT_BYTES
    messages = frames * ceil(load.frame_bytes / WEBSOCKET_MESSAGE_BYTES) + heartbeats
    jobs = min(posts, ceil(load.viewers / POSTS_PER_INVOCATION) * ticks)
    connections = load.viewers * MONTH_S / CONNECTION_S
    events = connections * EVENTS_PER_CONNECTION
    seconds = (
        (jobs * DELIVER_MS + posts * DELIVER_MS_PER_POST) / 1000 * DELIVER_GB
        + connections * AUTHORIZE_MS / 1000 * AUTHORIZE_GB
        + events * CONNECTIONS_MS / 1000 * CONNECTIONS_GB
    )
    # Each job is sent, received and deleted; a large one counts as several.
    queued = 2 * max(jobs, sent / SQS_REQUEST_BYTES) + jobs
    minutes = load.viewers * MONTH_S / 60
    part = "frames out"
    return [
        Line(
            part, "WebSocket, messages", messages / MILLION, "M", _tiered(messages / MILLION, WEBSOCKET_MESSAGES_PER_M)
        ),
        _each(part, "WebSocket, connections", minutes / MILLION, "M minutes", CONNECTION_MINUTES_PER_M),
        Line(part, "sent to the internet", sent / GIB, "GB", _tiered(sent / GIB, SENT_PER_GB)),
        *_lambda(part, jobs + connections + events, seconds),
        _each(part, "SQS", (queued + EMPTY_POLLS) / MILLION, "M requests", SQS_REQUESTS_PER_M),
        # As if no two viewers watched the same: what several are sent goes through the endpoint once.
        _each(part, "VPC endpoints, data", sent / GIB, "GB", ENDPOINT_PER_GB),
    ]


def _standing(load: Load) -> list[Line]:
    if load.cache_node not in CACHE_NODE_PER_H:
        raise BadInput(f"--cache-node: expected one of {', '.join(CACHE_NODE_PER_H)}, got {load.cache_node}")
    part = "standing"
    node = MONTH_H * CACHE_NODE_PER_H[load.cache_node]
    minutes = MONTH_S / 60
    # The broadcaster's next invocation takes over as soon as it starts, so there is one at a time, and it never ends.
    seconds = MONTH_S * BROADCAST_GB + minutes * CHECK_MS / 1000 * CHECK_GB
    return [
        _each(part, f"ElastiCache, {load.cache_node}", load.cache_nodes, "nodes", node),
        _each(part, "VPC endpoints, SQS and Kinesis", 4, "in zones", MONTH_H * ENDPOINT_ZONE_PER_H),
        *_lambda(part, 2 * minutes, seconds),
        _each(part, "CloudWatch, metrics", METRICS, "metrics", METRIC_PER_MONTH),
        _each(part, "CloudWatch, alarms", ALARM_METRICS, "metrics", ALARM_METRIC_PER_MONTH),
        _each(part, "CloudWatch, dashboard", 1, "", DASHBOARD_PER_MONTH),
        _each(part, "Secrets Manager", 1, "secrets", SECRET_PER_MONTH),
    ]


def _lambda(part: str, invocations: float, gb_seconds: float) -> list[Line]:
    """Invocations, the memory they hold while they run, and what they log."""
    return [
        _each(part, "Lambda, invocations", invocations / MILLION, "M", LAMBDA_REQUESTS_PER_M),
        _each(part, "Lambda, memory", gb_seconds, "GB s", LAMBDA_PER_GB_S),
        _each(part, "CloudWatch Logs", invocations * LOG_BYTES_PER_INVOCATION / GIB, "GB", LOGS_PER_GB),
    ]


def _each(part: str, item: str, quantity: float, unit: str, price: float) -> Line:
    return Line(part, item, quantity, unit, quantity * price)


def _tiered(quantity: float, tiers: Sequence[Tier]) -> float:
    """The price of a quantity of which each part costs what its tier says."""
    usd, below = 0.0, 0.0
    for tier in tiers:
        usd += max(0.0, min(quantity, tier.up_to) - below) * tier.usd
        below = tier.up_to
    return usd
