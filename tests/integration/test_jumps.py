"""Readings further away than a driver can have come: held, believed when another agrees, and never a wrong count."""

import random
from itertools import permutations

import pytest
import redis

from adapters.live_state import LiveState
from factories import LAGOS, NOW
from heatmap.cells import cell_of
from heatmap.state import Applied
from integration.jumping import (
    FAR,
    IN_LONDON,
    LONDON,
    NEAR,
    NEXT_TO_FAR,
    OTHER_FAR,
    SPEED,
    Position,
    apply,
    at,
    has_jumped,
    here,
    tick,
    where,
)

# A place too far away, and one beside that.
WHEREVER = pytest.mark.parametrize(
    ("far", "next_to_far"), [(FAR, NEXT_TO_FAR), (LONDON, IN_LONDON)], ids=["in the city", "in another"]
)


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
