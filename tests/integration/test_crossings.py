"""Drivers between cities, when others do their work between the steps of one: real scripts on a real server."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import redis
from redis.client import Pipeline

from adapters.city_scripts import CityScripts
from adapters.live_state import TOMBSTONE_MS, LiveState
from factories import LAGOS, NOW, a_ping, a_record
from heatmap.pings import Ping
from heatmap.records import decode
from heatmap.register import merged

TTL = 30_000
TICK = 3_000
NAIROBI = (-1.3, 36.8)
LONDON = (51.5, -0.1)
PRECISIONS = (4, 5, 6, 7, 8)
PLACES = {"lagos": LAGOS, "nairobi": NAIROBI, "london": LONDON}

# To apply a ping takes no more of them, whatever happens in between.
STEPS = range(1, 16)

Work = Callable[[], object]


class Interrupted(redis.Redis):
    """A client that gives way to others after some of its steps, each of which the server carries out at once.

    Attributes:
        meanwhile: what others do, by the number of steps after which they do it.
    """

    def __init__(self, client: redis.Redis, meanwhile: dict[int, Work]) -> None:
        super().__init__(connection_pool=client.connection_pool)
        self.meanwhile = meanwhile
        self._steps = 0

    def step(self) -> None:
        self._steps += 1
        if work := self.meanwhile.pop(self._steps, None):
            work()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        answer = super().execute_command(*args, **options)
        self.step()
        return answer

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _InterruptedPipeline(self, transaction, shard_hint)


class _InterruptedPipeline(Pipeline):
    def __init__(self, client: Interrupted, transaction: bool, shard_hint: str | None) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, shard_hint)
        self._client = client

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        answers = super().execute(raise_on_error)
        self._client.step()
        return answers


def apply(client: redis.Redis, *pings: Ping) -> None:
    """What one aggregator does."""
    state = LiveState(client, PRECISIONS)
    state.apply(merged([decode(a_record(*pings))]), max(ping.received_at for ping in pings))


def tick(client: redis.Redis, now: int) -> None:
    state = LiveState(client, PRECISIONS)
    state.tick(state.cities(), 1, now, now, TTL)


def finish(meanwhile: dict[int, Work]) -> None:
    """What was to be done after a step that there was not."""
    for work in meanwhile.values():
        work()


def seen(city: str, after: int) -> Ping:
    return a_ping(sampled_at=NOW + after, position=PLACES[city])


def whereabouts(client: redis.Redis) -> tuple[list[str], dict[bytes, bytes]]:
    """The cities that count the driver, and homes."""
    found = LiveState(client, PRECISIONS).check(list(PLACES))
    assert all(each.exact for each in found.values())
    return [city for city, each in found.items() if each.stamp.live], client.hgetall("homes")


def at_home_in(city: str) -> tuple[list[str], dict[bytes, bytes]]:
    return [city], {b"driver-1": city.encode()}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["older-first", "newer-first"])
def test_of_two_crossings_at_once_the_newer_one_counts(client: redis.Redis, order: tuple[int, int], step: int):
    nairobi, london = order
    apply(client, seen("lagos", 0))

    others = {step: lambda: apply(client, seen("london", london))}
    apply(Interrupted(client, others), seen("nairobi", nairobi))
    finish(others)

    assert at_home_in("nairobi" if nairobi > london else "london") == whereabouts(client)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["older-first", "newer-first"])
def test_a_driver_seen_at_home_again_during_its_crossing_is_where_it_was_seen_last(
    client: redis.Redis, order: tuple[int, int], step: int
):
    nairobi, lagos = order
    apply(client, seen("lagos", 0))

    others = {step: lambda: apply(client, seen("lagos", lagos))}
    apply(Interrupted(client, others), seen("nairobi", nairobi))
    finish(others)

    assert at_home_in("nairobi" if nairobi > lagos else "lagos") == whereabouts(client)


@pytest.mark.parametrize("inner", range(1, 9))
@pytest.mark.parametrize("outer", range(1, 9))
def test_of_three_who_interrupt_each_other_the_newest_one_counts(client: redis.Redis, outer: int, inner: int):
    cities = ("nairobi", "lagos", "london")
    for order in permutations([1, 2, 3]):
        client.flushall()
        apply(client, seen("lagos", 0))
        first, second, third = (seen(city, after) for city, after in zip(cities, order, strict=True))

        innermost = {inner: lambda third=third: apply(client, third)}
        others = {outer: lambda second=second, innermost=innermost: apply(Interrupted(client, innermost), second)}
        apply(Interrupted(client, others), first)
        finish(others)
        finish(innermost)

        assert at_home_in(cities[order.index(3)]) == whereabouts(client)


class Died(Exception):
    """An aggregator is gone."""


def die() -> None:
    raise Died


@pytest.mark.parametrize("step", range(1, 7))
def test_a_crossing_whose_aggregator_dies_at_any_step_is_settled_when_the_batch_comes_again(
    client: redis.Redis, step: int
):
    apply(client, seen("lagos", 0))

    with pytest.raises(Died):
        apply(Interrupted(client, {step: die}), seen("nairobi", 1))
    apply(client, seen("nairobi", 1))

    assert at_home_in("nairobi") == whereabouts(client)


@pytest.mark.parametrize("step", STEPS)
def test_a_driver_that_goes_silent_while_it_arrives_is_at_home_nowhere_in_the_end(client: redis.Redis, step: int):
    others = {step: lambda: tick(client, NOW + TTL)}
    apply(Interrupted(client, others), seen("lagos", 0))
    finish(others)
    for n in (1, 2):
        tick(client, NOW + TTL + n * TICK)

    assert ([], {}) == whereabouts(client)
    assert not client.exists("{lagos}:silent")


@pytest.mark.parametrize("step", STEPS)
def test_a_driver_that_pings_while_it_is_forgotten_is_counted_in_one_city(client: redis.Redis, step: int):
    apply(client, seen("lagos", 0))

    others = {step: lambda: apply(client, seen("lagos", 1))}
    LiveState(Interrupted(client, others), PRECISIONS).forget("driver-1")
    finish(others)
    apply(client, seen("nairobi", 2))

    assert at_home_in("nairobi") == whereabouts(client)


@pytest.mark.parametrize("step", STEPS)
def test_a_driver_forgotten_while_it_crosses_is_at_home_only_where_it_is_counted(client: redis.Redis, step: int):
    apply(client, seen("lagos", 0))

    others = {step: lambda: LiveState(client, PRECISIONS).forget("driver-1")}
    apply(Interrupted(client, others), seen("nairobi", 1))
    finish(others)
    for n in (1, 2):
        tick(client, NOW + n * TICK)

    assert whereabouts(client) in (([], {}), at_home_in("nairobi"))


def test_a_home_in_a_city_that_is_ticked_no_more_is_forgotten_too(client: redis.Redis):
    apply(client, seen("lagos", 0))
    scripts = CityScripts(client, PRECISIONS)
    scripts.run("tick", [scripts.call("lagos", 1, NOW + TTL, NOW + TTL, NOW, TOMBSTONE_MS)])
    client.srem("cities", "lagos")

    assert LiveState(client, PRECISIONS).forget("driver-1").at_home
    tick(client, NOW + TTL + TICK)

    assert ([], {}) == whereabouts(client)


def test_a_driver_at_home_in_a_city_that_is_ticked_no_more_is_taken_out_of_it(client: redis.Redis):
    apply(client, seen("lagos", 0))
    client.srem("cities", "lagos")

    assert ["lagos"] == LiveState(client, PRECISIONS).forget("driver-1").counted
    tick(client, NOW + TICK)

    assert ([], {}) == whereabouts(client)
