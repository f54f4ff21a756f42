"""Readings further away than a driver can have come: held, believed when another agrees, and never a wrong count.

The model is a fold over the readings as they arrive, over all cities at once; it knows distances by the haversine.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, permutations
from math import cos, radians, sin, sqrt

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.live_state import LiveState
from factories import LAGOS, NOW, a_ping, a_record
from heatmap.cells import cell_of
from heatmap.pings import Ping
from heatmap.records import decode
from heatmap.register import merged
from heatmap.state import Applied

type Position = tuple[float, float]

SPEED = 70
TICKS = count(1)
NEAR = (6.522, 3.382)
FAR = (6.70, 3.60)
NEXT_TO_FAR = (6.701, 3.601)
OTHER_FAR = (6.40, 3.20)
LONDON = (51.5, -0.1)
IN_LONDON = (51.501, -0.101)
# A place too far away, and one beside that.
WHEREVER = pytest.mark.parametrize(
    ("far", "next_to_far"), [(FAR, NEXT_TO_FAR), (LONDON, IN_LONDON)], ids=["in the city", "in another"]
)


def apply(state: LiveState, *pings: Ping, jump_speed: float = SPEED) -> Applied:
    received_at = max(ping.received_at for ping in pings)
    return state.apply(merged([decode(a_record(*pings))]), received_at, lambda city: jump_speed)


def at(seconds: float, position: Position = LAGOS, driver: str = "driver-1") -> Ping:
    return a_ping(driver, NOW + round(1_000 * seconds), position, NOW + 3_600_000)


def where(state: LiveState) -> dict[tuple[str, str], int]:
    """The drivers in each cell of precision 7, the counts proven to be exact."""
    assert all(each.exact for each in state.check(state.cities()).values())
    return {(city, cell): n for city in state.cities() for cell, n in state.view(city, 7).cells.items() if n}


def here(*pings: Ping) -> dict[tuple[str, str], int]:
    return Counter((ping.city, ping.geohash[:7]) for ping in pings)


@WHEREVER
def test_a_jump_does_not_move_the_driver(state: LiveState, far: Position, next_to_far: Position):
    apply(state, at(0))

    assert Applied(implausible=1) == apply(state, at(5, far))
    assert here(at(0)) == where(state)


@WHEREVER
def test_a_second_reading_that_agrees_is_believed(state: LiveState, far: Position, next_to_far: Position):
    apply(state, at(0))
    apply(state, at(5, far))

    assert Applied(applied=1) == apply(state, at(10, next_to_far))
    assert here(at(10, next_to_far)) == where(state)


@WHEREVER
def test_both_may_come_in_one_batch(state: LiveState, far: Position, next_to_far: Position):
    apply(state, at(0))

    assert Applied(applied=1, implausible=1) == apply(state, at(5, far), at(10, next_to_far))
    assert here(at(10, next_to_far)) == where(state)


def test_a_second_jump_to_somewhere_else_is_held_instead(state: LiveState):
    apply(state, at(0))
    apply(state, at(5, FAR))

    assert Applied(implausible=1) == apply(state, at(10, OTHER_FAR))
    assert Applied(applied=1) == apply(state, at(15, OTHER_FAR))
    assert here(at(15, OTHER_FAR)) == where(state)


@WHEREVER
def test_a_driver_who_goes_on_normally_has_not_jumped(
    state: LiveState, client: redis.Redis, far: Position, next_to_far: Position
):
    apply(state, at(0))
    apply(state, at(5, far))
    apply(state, at(10, NEAR))

    assert Applied(implausible=1) == apply(state, at(15, next_to_far))
    assert here(at(10, NEAR)) == where(state)
    assert 1 == sum(client.hlen(key) for key in client.scan_iter("*:jumps"))


def test_who_has_had_the_time_has_not_jumped(state: LiveState):
    apply(state, at(0))

    assert Applied(applied=1) == apply(state, at(600, FAR))


def test_a_speed_of_nothing_lets_everybody_jump(state: LiveState):
    apply(state, at(0), jump_speed=0)

    assert Applied(applied=1) == apply(state, at(1, FAR), jump_speed=0)


def test_a_reading_from_before_the_jump_moves_the_driver_when_it_comes_late(state: LiveState):
    apply(state, at(0))
    apply(state, at(10, FAR))

    assert Applied(applied=1) == apply(state, at(5, NEAR))
    assert Applied(applied=1) == apply(state, at(15, NEXT_TO_FAR))


def test_only_a_newer_reading_makes_one_believed(state: LiveState):
    apply(state, at(0))
    apply(state, at(10, FAR))

    assert Applied(implausible=1) == apply(state, at(5, NEXT_TO_FAR))
    assert here(at(0)) == where(state)


def test_who_drives_over_the_border_of_a_city_is_counted_on_the_other_side_at_once(state: LiveState):
    apply(state, at(0, (6.749, 3.7)))

    assert Applied(applied=1) == apply(state, at(5, (6.751, 3.7)))
    assert here(at(5, (6.751, 3.7))) == where(state)


def test_a_late_reading_from_the_city_that_a_driver_has_left_is_late(state: LiveState):
    apply(state, at(10, LONDON))

    assert Applied(late=1) == apply(state, at(5))


def test_what_is_held_is_of_no_use_after_a_sweep(state: LiveState, client: redis.Redis):
    apply(state, at(0), at(0, driver="other"))
    apply(state, at(5, FAR))
    tick(state, NOW + 6_000)

    assert Applied(late=1) == apply(state, at(5, FAR))
    assert Applied(applied=1) == apply(state, at(10, NEXT_TO_FAR))
    assert 0 == client.exists("{lagos}:jumps")


def test_what_comes_again_of_a_driver_who_has_fallen_silent_meanwhile_does_not_bring_it_back(state: LiveState):
    apply(state, at(0))
    apply(state, at(5, FAR))
    apply(state, at(10, OTHER_FAR))
    tick(state, NOW)

    assert Applied(implausible=1) == apply(state, at(5, FAR))
    assert Applied(duplicate=1) == apply(state, at(10, OTHER_FAR))
    assert {} == where(state)


def test_what_is_held_does_not_stay_for_ever(state: LiveState, client: redis.Redis):
    apply(state, at(0))
    apply(state, at(5, FAR))

    assert 0 < client.ttl("{lagos}:jumps") <= 3_600


def test_a_fleet_larger_than_a_call_that_jumps_is_held_and_then_believed(state: LiveState):
    drivers = [f"driver-{n}" for n in range(2_500)]
    apply(state, *[at(0, driver=driver) for driver in drivers])

    assert Applied(implausible=2_500) == apply(state, *[at(5, LONDON, driver) for driver in drivers])
    assert Applied(applied=2_500) == apply(state, *[at(10, IN_LONDON, driver) for driver in drivers])
    assert {("london", cell_of(*IN_LONDON, 7)): 2_500} == where(state)


@pytest.mark.parametrize("details", [b"[]", b"{}", b"[null,null]", b'["north",3]', b"[6.5]", b"[91,true,1]", b"7"])
@pytest.mark.parametrize("position", [FAR, LONDON])
def test_a_register_that_is_not_of_our_making_holds_up_nobody(
    state: LiveState, details: bytes, position: tuple[float, float]
):
    odd = {"lagos": ["driver-1", b"%d%d%b%b" % (NOW, NOW, cell_of(*LAGOS).encode(), details)]}
    state.apply(odd, NOW, lambda city: SPEED)

    assert Applied(applied=1) == apply(state, at(5, position))
    assert here(at(5, position)) == where(state)


def test_without_a_jump_among_them_readings_may_come_in_any_order(state: LiveState, client: redis.Redis):
    way = [at(5 * n, (6.52 + 0.002 * n, 3.38)) for n in range(5)]

    for order in permutations(way):
        client.flushall()
        for ping in order:
            apply(state, ping)
        assert here(way[-1]) == where(state)


@pytest.mark.parametrize("seed", range(3))
def test_the_script_finds_too_far_what_the_haversine_does(state: LiveState, client: redis.Redis, seed: int):
    dice = random.Random(seed)
    pairs = []
    for n in range(300):
        # Over a cell, a district, a city, the world; at its edges and poles as well.
        reach = dice.choice([0.0005, 0.005, 0.05, 60])
        lat, lon = dice.choice([(6.5, 3.4), (-89.9, 10), (51.48, 0.0), (10, 179.99), (-33.5, -70.2)])
        first = at(0, (lat, lon), f"driver-{n}")
        moved = (max(-90, min(90, lat + dice.uniform(-reach, reach))), lon + dice.uniform(-reach, reach))
        moved = (moved[0], (moved[1] + 180) % 360 - 180)
        pairs.append((first, at(dice.choice([0.1, 1, 3, 10, 60]), moved, f"driver-{n}")))
    apply(state, *[first for first, _ in pairs])

    implausible = [second.driver_id for _, second in pairs if apply(state, second).implausible]

    assert [second.driver_id for first, second in pairs if has_jumped(first, second)] == implausible


def has_jumped(first: Ping, second: Ping) -> bool:
    """By another formula than the one that is tested: haversine, as a chord."""
    phi, to_phi = radians(first.lat), radians(second.lat)
    half = sin((to_phi - phi) / 2) ** 2 + cos(phi) * cos(to_phi) * sin(radians(second.lon - first.lon) / 2) ** 2
    return 2 * 6_371_000 * sqrt(half) > SPEED * (second.sampled_at - first.sampled_at) / 1_000


def tick(state: LiveState, silent: int) -> None:
    """Take out who has not been seen since."""
    state.tick(state.cities(), 1, next(TICKS), silent + 30_000, 30_000)


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
