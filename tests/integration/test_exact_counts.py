"""Whatever happens to the batches on their way, the counts are those of an independent model.

The model knows nothing of cells that change, scripts or revisions: of each driver the newest ping wins, wherever it
was, and a driver whose newest ping is not after the last sweep is not there.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from aggregate import app
from factories import NOW, LambdaContext, a_kinesis_event, a_ping, a_record
from heatmap.cells import BBox
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.pings import Ping
from heatmap.viewports import viewport

FINEST = viewport("lagos", 8, BBox(6.51, 3.37, 6.53, 3.39), cities(), (8,))
TTL = 30_000
TICK = 3_000
LINGER = 60_000
# Around a corner of Lagos, so that drivers cross its border, and far away in London.
POSITIONS = [(6.52, 3.38), (6.521, 3.381), (6.60, 3.35), (6.749, 3.749), (6.751, 3.751), (51.5, -0.1)]


@dataclass
class Model:
    """The pings delivered so far, and the last sweep."""

    pings: list[Ping]
    swept_to: int = 0

    def live(self) -> Iterable[Ping]:
        newest: dict[str, Ping] = {}
        for ping in self.pings:
            known = newest.get(ping.driver_id)
            if known is None or order(ping) > order(known):
                newest[ping.driver_id] = ping
        return [ping for ping in newest.values() if ping.sampled_at > self.swept_to]

    def counts(self, precision: int) -> dict[tuple[str, str], int]:
        return Counter((ping.city, ping.geohash[:precision]) for ping in self.live())


def order(ping: Ping) -> tuple[int, int, str]:
    return ping.sampled_at, ping.received_at, ping.geohash


def counts(state: LiveState, precision: int) -> dict[tuple[str, str], int]:
    return {(city, cell): n for city in state.cities() for cell, n in state.view(city, precision).cells.items() if n}


def deliver(*records: bytes) -> None:
    assert [] == app.lambda_handler(a_kinesis_event(*records), LambdaContext())["poison"]


@pytest.fixture
def aggregating(state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> LiveState:
    """The aggregator's handler, on a state of our own; drivers go where they like (test_jumps.py has the rest)."""
    monkeypatch.setattr(app, "state", lambda: state)
    monkeypatch.setattr(app, "jump_speed", lambda city: 0)
    monkeypatch.setattr(app, "checkpoints", lambda: Checkpoints(client))
    return state


def assert_as_modelled(state: LiveState, model: Model) -> None:
    for precision in state.precisions:
        assert model.counts(precision) == counts(state, precision)
    assert all(conservation.exact for conservation in state.check(state.cities()).values())


def test_a_fleet_that_moves_falls_silent_and_comes_back_with_every_batch_twice_and_shuffled(aggregating: LiveState):
    dice = random.Random(7)
    model = Model([])
    now = NOW
    for round_number in range(30):
        now += TICK
        awake = [n for n in range(300) if (n + round_number // 6) % 5]  # a fifth of the fleet sleeps, in turns
        pings = [a_ping(f"driver-{n}", now - dice.randrange(2 * TICK), dice.choice(POSITIONS), now) for n in awake]
        batches = [a_record(*pings[first : first + 50]) for first in range(0, len(pings), 50)] * 2
        dice.shuffle(batches)
        for first in range(0, len(batches), 4):
            deliver(*batches[first : first + 4])
        model.pings += pings
        aggregating.tick(aggregating.cities(), 1, now, now, TTL // 5)
        model.swept_to = now - TTL // 5

        assert_as_modelled(aggregating, model)


def a_batch(readings: list[tuple[int, int, int]], delay: int) -> list[Ping]:
    """One request's pings: (driver, age, position) each, all received at once."""
    received_at = NOW + delay + max(age for _, age, _ in readings)
    return [a_ping(f"driver-{n}", NOW + age, POSITIONS[position], received_at) for n, age, position in readings]


moments = st.integers(0, 12).map(lambda n: n * 5_000)
readings = st.tuples(st.integers(0, 3), moments, st.integers(0, len(POSITIONS) - 1))
batches = st.builds(a_batch, st.lists(readings, min_size=1, max_size=5), st.sampled_from([0, 1, 60_000]))
histories = st.lists(
    st.one_of(
        st.tuples(st.just("batch"), batches),
        st.tuples(st.just("again"), st.integers(0, 20)),
        st.tuples(st.just("sweep"), moments),
        st.tuples(st.just("recount"), st.none()),
        # The finest precision is counted while somebody watches or reads it, and for a while after that.
        st.tuples(st.just("watch"), st.none()),
        st.tuples(st.just("unwatch"), st.none()),
        st.tuples(st.just("linger"), st.none()),
    ),
    max_size=15,
)


@given(histories)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_ends_as_the_model_says(
    aggregating: LiveState, client: redis.Redis, history: list[tuple[str, object]]
):
    client.flushall()
    model = Model([])
    records: list[bytes] = []
    tick = 0
    for kind, what in history:
        if kind == "batch":
            records.append(a_record(*what))
            deliver(records[-1])
            model.pings += what
        elif kind == "again" and records:
            deliver(records[what % len(records)])
        elif kind == "sweep":
            tick += 1
            aggregating.tick(aggregating.cities(), 1, tick, NOW + what + TTL, TTL)
            model.swept_to = max(model.swept_to, NOW + what)
        elif kind == "recount":
            for city in aggregating.cities():
                aggregating.recount(city)
        elif kind == "watch":
            aggregating.watch(FINEST, "viewer", Encoding.JSON)
        elif kind == "unwatch":
            aggregating.unwatch([FINEST], "viewer")
        elif kind == "linger":
            model.swept_to = max(model.swept_to, NOW)
            for _ in range(2):
                tick += 1
                now = NOW + tick * LINGER
                aggregating.tick(aggregating.cities(), 1, tick, now, now - model.swept_to)

        assert_as_modelled(aggregating, model)
