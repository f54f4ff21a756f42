"""Whatever comes in whatever order, with jumps: the state is what a model of it says, and no ping is lost from sight.

The model is a fold over the readings as they arrive, over all cities at once; it knows distances by the haversine.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.live_state import LiveState
from factories import LAGOS, NOW
from heatmap.pings import Ping
from heatmap.state import Applied
from integration.jumping import FAR, IN_LONDON, LONDON, NEAR, NEXT_TO_FAR, apply, at, has_jumped, here, tick, where


@dataclass
class Model:
    """Each driver's believed reading, and for each city the newest one that is held."""

    believed: dict[str, Ping] = field(default_factory=dict)
    held: dict[tuple[str, str], Ping] = field(default_factory=dict)
    swept_to: int = 0

    def take(self, ping: Ping) -> None:
        if ping.sampled_at <= self.swept_to:
            return
        known = self.believed.get(ping.driver_id)
        if known and order(ping) <= order(known):
            return
        place = (ping.driver_id, ping.city)
        held = self.held.get(place)
        if held and (held.sampled_at <= self.swept_to or (known and order(held) < order(known))):
            held = None
        if known is None:
            if not held or order(held) < order(ping):
                self.believed[ping.driver_id] = ping
        elif not has_jumped(known, ping):
            self.believed[ping.driver_id] = ping
        elif not held:
            self.held[place] = ping
        elif order(held) < order(ping):
            if has_jumped(held, ping):
                self.held[place] = ping
            else:
                self.believed[ping.driver_id] = ping

    def sweep(self, silent: int) -> None:
        self.swept_to = max(self.swept_to, silent)
        self.believed = {d: ping for d, ping in self.believed.items() if ping.sampled_at > self.swept_to}


def order(ping: Ping) -> tuple[int, int, str]:
    return ping.sampled_at, ping.received_at, ping.geohash


# Here, elsewhere in the city, over its border, in another one.
PLACES = [LAGOS, NEAR, FAR, NEXT_TO_FAR, (6.751, 3.7), LONDON, IN_LONDON]

# Of one driver, so that what one reading does to another is met often.
readings = st.builds(
    lambda tick, place: at(5 * tick, PLACES[place]), st.integers(0, 8), st.integers(0, len(PLACES) - 1)
)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("ping"), readings),
        st.tuples(st.just("ping"), readings),
        st.tuples(st.just("ping"), readings),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.tuples(st.just("sweep"), st.integers(-3, 5)),
        st.tuples(st.just("recount"), st.none()),
    ),
    min_size=3,
    max_size=25,
)


@given(histories)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_ends_as_the_model_says_and_what_comes_again_changes_nothing(
    state: LiveState, client: redis.Redis, history: list[tuple[str, object]]
):
    client.flushall()
    model, seen = Model(), []
    for kind, what in history:
        if kind == "ping" and isinstance(what, Ping):
            seen.append(what)
            assert 1 == total(apply(state, what))
            model.take(what)
        elif kind == "again" and seen and isinstance(what, int):
            # Alone, and all there has been, in another order.
            assert 1 == total(apply(state, seen[what % len(seen)]))
            again = sorted(seen, key=lambda ping: (ping.sampled_at * (what + 7)) % 11)
            assert 0 == sum(apply(state, ping).applied for ping in again)
        elif kind == "sweep" and isinstance(what, int):
            tick(state, NOW + 5_000 * what)
            model.sweep(NOW + 5_000 * what)
        elif kind == "recount":
            for city in state.cities():
                state.recount(city)

        assert here(*model.believed.values()) == where(state)


def batches() -> Iterator[list[Ping]]:
    """A fleet of which some jump, batch by batch."""
    dice = random.Random(11)
    for round_number in range(12):
        yield [at(5 * round_number, dice.choice(PLACES), f"driver-{n}") for n in range(200)]


def test_the_same_batch_twice_changes_nothing_and_every_ping_is_accounted_for(state: LiveState):
    for pings in batches():
        assert len(pings) == total(apply(state, *pings))
        before = where(state), state.view("lagos", 7).stamp

        again = apply(state, *pings)

        assert (0, len(pings)) == (again.applied, total(again))
        assert before == (where(state), state.view("lagos", 7).stamp)


def total(applied: Applied) -> int:
    return applied.applied + applied.late + applied.duplicate + applied.implausible
