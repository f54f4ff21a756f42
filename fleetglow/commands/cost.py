"""`fleetglow cost`: what a deployment costs on AWS a month."""

from itertools import groupby
from typing import Annotated, Any

import msgspec
import typer

from fleetglow import cache_memory, costs
from fleetglow.options import require_finite

Drivers = Annotated[int, typer.Option(min=0, help="Drivers who ping, day and night.")]
Interval = Annotated[float, typer.Option(min=0.1, help="Seconds between two pings of a driver.")]
Batch = Annotated[
    int,
    typer.Option(
        min=1, max=500, help="Pings in a request: 1 for phones that send for themselves, many for a fleet's gateway."
    ),
]
ViewersOption = Annotated[int, typer.Option(min=0, help="Viewers who watch, day and night.")]
FrameBytes = Annotated[int, typer.Option(min=1, help="What a viewer gets at a tick, in bytes.")]
Tick = Annotated[float, typer.Option(min=1, max=60, help="Seconds between two ticks.")]
Changing = Annotated[float, typer.Option(min=0, max=1, help="Share of ticks at which a viewer's screen changes.")]
CacheNode = Annotated[str, typer.Option(help="The cache's node type.")]
CacheNodes = Annotated[int, typer.Option(min=1, max=6, help="The cache's nodes.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, and nothing else.")]


def cost(  # noqa: PLR0913, PLR0917 - each is an option
    drivers: Drivers = 10_000,
    interval: Interval = 5,
    batch: Batch = 50,
    viewers: ViewersOption = 1_000,
    frame_bytes: FrameBytes = 1_500,
    tick: Tick = 3,
    changing: Changing = 1,
    cache_node: CacheNode = "cache.t4g.small",
    cache_nodes: CacheNodes = 1,
    json: Json = False,
) -> None:
    """What a deployment of this size costs on AWS a month, by list prices."""
    require_finite("--interval", interval)
    load = costs.Load(drivers, interval, batch, viewers, frame_bytes, tick, changing, cache_node, cache_nodes)
    lines = costs.bill(load)
    if short := cache_memory.shortage(load):
        typer.echo(f"warning: {short}", err=True)
    if json:
        typer.echo(msgspec.json.encode(_document(load, lines)).decode())
        return
    for part, of_part in groupby(lines, lambda line: line.part):
        items = list(of_part)
        typer.echo(f"{part:<54}{sum(line.usd for line in items):>11,.2f}")
        for line in items:
            typer.echo(f"  {line.item:<30}{line.quantity:>11,.1f} {line.unit:<10}{line.usd:>11,.2f}")
    typer.echo(f"{'USD a month':<54}{sum(line.usd for line in lines):>11,.2f}")
    if load.drivers:
        typer.echo(_assumed(load))
    typer.echo(f"list prices of {costs.PRICES_OF}; a month of 30 days; free is the first 100 GB sent to the internet")


def _assumed(load: costs.Load) -> str:
    """Who sends so many pings in a request; it is most of what the pings cost."""
    if load.batch == 1:
        return "1 ping in a request, as phones send for themselves; a gateway that sends for many: --batch"
    return f"{load.batch} pings in a request, as a gateway sends for many; phones that send for themselves: --batch 1"


def _document(load: costs.Load, lines: list[costs.Line]) -> dict[str, Any]:
    return {
        "usd": round(sum(line.usd for line in lines), 2),
        "prices_of": costs.PRICES_OF,
        "load": load,
        "cache": {"needed_bytes": cache_memory.needed(load), "room_bytes": cache_memory.room(load.cache_node)},
        "lines": [line._asdict() for line in lines],
    }
