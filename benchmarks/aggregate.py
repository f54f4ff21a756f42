"""Pings per second through the aggregator's handler, on one core, exact at every precision that is always counted.

The limit is the same script on the same server with its arguments ready: what no aggregator on this design can pass.
"""

import base64
import time
from itertools import batched
from typing import Any

import redis

from adapters import valkey
from adapters.batches import PINGS_PER_CALL, Batch
from adapters.city_scripts import CityScripts
from benchmarks import handlers, valkey_server
from benchmarks.fleet import DRIVERS, PINGS_PER_REQUEST, rounds
from benchmarks.result import Contestant, Result, median, paired, ratio
from heatmap.cities import cities
from heatmap.pings import parse
from heatmap.records import decode, encode
from heatmap.register import merged

ROUNDS = 5
MOVES = 8
# One second of a fleet of 10,000 that pings every 5 s: what one invocation gets when it keeps up.
RECORDS_PER_EVENT = 4
PRECISIONS = (4, 5, 6, 7, 8)
JUMP_SPEED = 70


def run() -> Result:
    """Measure."""
    with valkey_server.running() as url:
        handlers.prepare(REDIS_URL=url, PRECISIONS=",".join(map(str, PRECISIONS)), JUMP_SPEED=str(JUMP_SPEED))
        return _measured(redis.Redis.from_url(url))


def _measured(client: redis.Redis) -> Result:
    app = handlers.module("aggregate.app")
    # The first move brings every driver into the city; what is measured is a fleet on its way.
    entry, *moves = [
        [data for body in bodies for data in encode(parse(body, now, cities()).pings)]
        for now, bodies in rounds(MOVES + 1, time.time_ns() // 1_000_000)
    ]
    on_the_way = [data for records in moves for data in records]
    invoke = handlers.invoker(app.lambda_handler)
    scripts = CityScripts(client, PRECISIONS)
    script = valkey.script("city", "apply")

    def enter() -> None:
        client.flushall()
        for event in _events(entry):
            invoke(event)

    events = _events(on_the_way)
    calls = [
        _calls(client, scripts, on_the_way[i : i + RECORDS_PER_EVENT])
        for i in range(0, len(on_the_way), RECORDS_PER_EVENT)
    ]

    def aggregate() -> int:
        for event in events:
            invoke(event)
        return MOVES * DRIVERS

    def evalsha() -> int:
        for each in calls:
            valkey.run(client, script, each)
        return MOVES * DRIVERS

    rates = paired({"aggregate": Contestant(aggregate, enter), "limit": Contestant(evalsha, enter)}, ROUNDS)
    enter()
    aggregate()
    [conservation] = app.state().check(["lagos"]).values()
    return Result(
        name="aggregate",
        value=median(rates["aggregate"]),
        unit="pings/s",
        ratios={"limit": ratio(rates["aggregate"], rates["limit"])},
        detail={
            "exact": conservation.exact,
            "live": conservation.stamp.live,
            "sums": conservation.sums,
            "pings_per_record": PINGS_PER_REQUEST,
            "records_per_invocation": RECORDS_PER_EVENT,
            "rates": {name: [round(rate) for rate in each] for name, each in rates.items()},
            "limit": "EVALSHA of the same script with the same pings a call, arguments ready",
        },
    )


def _events(records: list[bytes]) -> list[dict[str, Any]]:
    entries = [
        {
            "eventID": f"shardId-000000000000:{n}",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/pings",
            "kinesis": {"sequenceNumber": str(n), "data": base64.b64encode(data).decode()},
        }
        for n, data in enumerate(records)
    ]
    return [{"Records": entries[i : i + RECORDS_PER_EVENT]} for i in range(0, len(entries), RECORDS_PER_EVENT)]


def _calls(client: redis.Redis, scripts: CityScripts, records: list[bytes]) -> list[valkey.Call]:
    """The calls that the handler makes for an event, arguments ready."""
    decoded = [decode(data) for data in records]
    [(city, flat)] = merged(decoded).items()
    received_at = max(record.received_at for record in decoded)
    parts = batched(flat, 2 * PINGS_PER_CALL, strict=False)
    batch = Batch(client, scripts, received_at, b"", lambda city: JUMP_SPEED)
    return [batch.call(city, part) for part in parts]
