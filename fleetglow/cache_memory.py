"""Whether a cache node holds a fleet and its viewers: by what was measured here, and what AWS leaves free of a node."""

from fleetglow.costs import CACHE_NODE_PER_H, GIB, Load

# A simulated fleet of 10,000 in one city that pings every 5 s, on Valkey 8 (`INFO memory`), two minutes after it set
# out, while somebody watches streets: cells that were left are kept for so long, and those of precision 8 are most of
# it. Without precision 8 it is about 500 bytes; in a larger fleet drivers share cells, which makes it less.
BYTES_PER_DRIVER = 2_600
# A connection that watches one viewport of its own.
BYTES_PER_VIEWER = 500

# Of node types that have a price. AWS keeps a quarter of it for itself (parameter reserved-memory-percent).
# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
NODE_GIB = {
    "cache.t4g.micro": 0.5,
    "cache.t4g.small": 1.37,
    "cache.t4g.medium": 3.09,
    "cache.m7g.large": 6.38,
    "cache.m7g.xlarge": 12.93,
    "cache.r7g.large": 13.07,
}
RESERVED = 0.25


def needed(load: Load) -> int:
    """How much memory the live state takes, in bytes, on each node: replicas hold all of it again."""
    return load.drivers * BYTES_PER_DRIVER + load.viewers * BYTES_PER_VIEWER


def room(node: str) -> int:
    """How much of a node's memory there is for it, in bytes."""
    return int(NODE_GIB[node] * (1 - RESERVED) * GIB)


def shortage(load: Load) -> str | None:
    """What is wrong with the load's node type if it is too small, and what would do; None if it is large enough."""
    if (takes := needed(load)) <= room(load.cache_node):
        return None
    by_price = sorted(NODE_GIB, key=CACHE_NODE_PER_H.__getitem__)
    fitting = next((node for node in by_price if takes <= room(node)), None)
    advice = (
        f"choose {fitting}" if fitting else "none of those with a price here has more: choose a stack for each region"
    )
    return (
        f"{load.cache_node} is too small: {load.drivers:,} drivers and {load.viewers:,} viewers take about "
        f"{takes / GIB:.1f} GiB, and it has room for {room(load.cache_node) / GIB:.1f}; {advice}"
    )
