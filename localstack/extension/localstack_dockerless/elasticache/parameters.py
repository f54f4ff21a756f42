"""The parameters that a parameter group may set, and to what.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

FAMILY = re.compile(r"redis(2\.6|2\.8|3\.2|4\.0|5\.0|6\.x|7)|valkey[789]")
# It decides how a server is started.
CLUSTER_ENABLED = "cluster-enabled"
LARGEST = 2**31 - 1
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """The values of a parameter; `allowed` says which, in the words of DescribeCacheParameters."""

    data_type: str
    allowed: str
    accepts: Callable[[str], bool]


def _one_of(*values: str) -> Kind:
    return Kind("string", ",".join(values), lambda value: value in values)


def _whole(lowest: int, highest: int = LARGEST) -> Kind:
    def accepts(value: str) -> bool:
        return re.fullmatch(r"-?\d{1,10}", value) is not None and lowest <= int(value) <= highest

    return Kind("integer", f"{lowest}-{highest}", accepts)


def _text(pattern: str, allowed: str) -> Kind:
    return Kind("string", allowed, lambda value: re.fullmatch(pattern, value) is not None)


YES_NO = _one_of("yes", "no")
POLICIES = ("lru", "lfu", "random")
PARAMETERS: dict[str, Kind] = {
    "acllog-max-len": _whole(1, 10_000),
    "active-defrag-cycle-max": _whole(1, 75),
    "active-defrag-cycle-min": _whole(1, 75),
    "active-defrag-ignore-bytes": _whole(MEGABYTE),
    "active-defrag-max-scan-fields": _whole(1, 1_000_000),
    "active-defrag-threshold-lower": _whole(1, 100),
    "active-defrag-threshold-upper": _whole(1, 100),
    "active-expire-effort": _whole(1, 10),
    "activedefrag": YES_NO,
    "activerehashing": YES_NO,
    "client-query-buffer-limit": _whole(MEGABYTE, 1024 * MEGABYTE),
    "close-on-replica-write": YES_NO,
    "close-on-slave-write": YES_NO,
    "cluster-allow-pubsubshard-when-down": YES_NO,
    "cluster-allow-reads-when-down": YES_NO,
    CLUSTER_ENABLED: YES_NO,
    "cluster-require-full-coverage": YES_NO,
    "databases": _whole(1, 1_200_000),
    "extended-redis-compatibility": YES_NO,
    "hash-max-listpack-entries": _whole(0),
    "hash-max-listpack-value": _whole(0),
    "hash-max-ziplist-entries": _whole(0),
    "hash-max-ziplist-value": _whole(0),
    "hll-sparse-max-bytes": _whole(1, 16_000),
    "latency-tracking": YES_NO,
    "lazyfree-lazy-eviction": YES_NO,
    "lazyfree-lazy-expire": YES_NO,
    "lazyfree-lazy-server-del": YES_NO,
    "lazyfree-lazy-user-del": YES_NO,
    "lazyfree-lazy-user-flush": YES_NO,
    "lfu-decay-time": _whole(0),
    "lfu-log-factor": _whole(0),
    "list-compress-depth": _whole(0),
    "list-max-listpack-size": _whole(-5),
    "list-max-ziplist-entries": _whole(0),
    "list-max-ziplist-size": _whole(-5),
    "list-max-ziplist-value": _whole(0),
    "lua-replicate-commands": YES_NO,
    "maxmemory-clients": _text(r"\d{1,10}([kmg]b?)?|(\d{1,2}|100)%", "bytes, or a share as in 5%"),
    "maxmemory-policy": _one_of(
        *(f"{keys}-{policy}" for keys in ("volatile", "allkeys") for policy in POLICIES), "volatile-ttl", "noeviction"
    ),
    "maxmemory-samples": _whole(1),
    "min-replicas-max-lag": _whole(0),
    "min-replicas-to-write": _whole(0),
    "min-slaves-max-lag": _whole(0),
    "min-slaves-to-write": _whole(0),
    "notify-keyspace-events": _text(r"[KEg$lshzxeAtmdn]*", "any of KEg$lshzxeAtmdn"),
    "proto-max-bulk-len": _whole(MEGABYTE, 512 * MEGABYTE),
    "rename-commands": _text(r".*", "pairs of commands and their new names"),
    "repl-backlog-size": _whole(16_384),
    "repl-backlog-ttl": _whole(0),
    "replica-allow-chaining": YES_NO,
    "replica-lazy-flush": YES_NO,
    "reserved-memory": _whole(0),
    "reserved-memory-percent": _whole(0, 100),
    "set-max-intset-entries": _whole(0),
    "set-max-listpack-entries": _whole(0),
    "set-max-listpack-value": _whole(0),
    "slave-allow-chaining": YES_NO,
    "slowlog-log-slower-than": _whole(-1),
    "slowlog-max-len": _whole(0),
    "stream-node-max-bytes": _whole(0),
    "stream-node-max-entries": _whole(0),
    "tcp-keepalive": _whole(0),
    "timeout": _whole(0),
    "tracking-table-max-keys": _whole(1, 100_000_000),
    "zset-max-listpack-entries": _whole(0),
    "zset-max-listpack-value": _whole(0),
    "zset-max-ziplist-entries": _whole(0),
    "zset-max-ziplist-value": _whole(0),
    **{
        f"client-output-buffer-limit-{client}-{limit}": _whole(0)
        for client in ("normal", "pubsub")
        for limit in ("hard-limit", "soft-limit", "soft-seconds")
    },
}


def checked_value(name: str, value: str) -> str:
    """`value`. Raises ValueError if there is no such parameter, or it may not have this value."""
    kind = PARAMETERS.get(name)
    if kind is None:
        raise ValueError(f"there is no parameter {name}, or it cannot be modified")
    if not kind.accepts(value):
        raise ValueError(f"{name}: expected {kind.allowed}, got {value}")
    return value


def family_of(engine: str, version: str) -> str:
    """The family of the parameter groups that go with an engine: `valkey8` for valkey and 8.1."""
    major, _, rest = version.partition(".")
    if engine == "redis" and major == "6":
        return "redis6.x"
    if engine == "redis" and int(major) < 6:
        return f"redis{major}.{rest.partition('.')[0] or '0'}"
    return f"{engine}{major}"
