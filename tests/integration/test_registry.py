"""When connections are to end, and how many somebody may have, on a real registry."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.client import Pipeline

from adapters.registry import RECORD_SECONDS, Noted, Registry
from factories import NOW, TESTER
from fakes.clock import FakeClock
from heatmap.access import Principal, principal
from heatmap.cities import cities
from heatmap.errors import Unavailable
from heatmap.viewports import viewport

WHOLE_LAGOS = viewport("lagos", 7, None, cities(), (7,))
ALL = 1_000


def until(expires_at: int) -> Principal:
    return principal(TESTER | {"expires_at": str(expires_at)})


@pytest.fixture
def registry(client: redis.Redis) -> Registry:
    return Registry(client, FakeClock(NOW))


def test_a_connection_is_overdue_when_its_token_is_over(registry: Registry):
    registry.add("first", until(NOW + 1_000))
    registry.add("second", until(NOW + 2_000))

    assert [] == registry.overdue(NOW + 999, ALL)
    assert ["first"] == registry.overdue(NOW + 1_000, ALL)
    assert ["first", "second"] == registry.overdue(NOW + 2_000, ALL)


def test_of_many_those_come_first_that_are_overdue_for_longest(registry: Registry):
    for second in (3, 1, 2):
        registry.add(f"connection-{second}", until(NOW + second))

    assert ["connection-1", "connection-2"] == registry.overdue(NOW + 9, 2)


def test_one_that_was_postponed_is_overdue_again_later(registry: Registry):
    registry.add("first", until(NOW))
    registry.postpone(["first"], NOW + 30_000)

    assert [] == registry.overdue(NOW + 29_999, ALL)
    assert ["first"] == registry.overdue(NOW + 30_000, ALL)


def test_one_that_is_closed_is_never_overdue(registry: Registry):
    registry.add("first", until(NOW))
    registry.remove("first")
    registry.postpone(["first"], NOW)

    assert [] == registry.overdue(NOW + 1_000, ALL)


def test_one_that_ended_without_our_hearing_of_it_is_overdue_when_api_gateway_must_have_ended_it(registry: Registry):
    registry.add("first", until(NOW + 365 * 86_400_000))

    assert [] == registry.overdue(NOW + 7_200_000, ALL)
    assert ["first"] == registry.overdue(NOW + RECORD_SECONDS * 1_000, ALL)


def test_one_that_a_lost_registry_hears_of_again_ends_with_its_token(registry: Registry, client: redis.Redis):
    somebody = until(NOW + 1_000)
    registry.add("first", somebody)
    client.flushall()

    registry.subscribe("first", somebody, WHOLE_LAGOS)

    assert ["first"] == registry.overdue(NOW + 1_000, ALL)


def test_a_subscription_more_does_not_bring_it_forward(registry: Registry):
    somebody = until(NOW)
    registry.add("first", somebody)
    registry.postpone(["first"], NOW + 30_000)

    registry.subscribe("first", somebody, WHOLE_LAGOS)

    assert [] == registry.overdue(NOW + 1_000, ALL)


def test_connections_are_counted_until_they_are_closed(registry: Registry):
    for connection_id in ("first", "second", "second"):
        registry.add(connection_id, until(NOW + 1_000))
    registry.remove("first")

    assert 1 == registry.count()


def test_a_principal_has_so_many_connections_and_no_more(registry: Registry):
    mine, somebodys = until(NOW + 60_000), principal(TESTER | {"sub": "somebody-else"})

    assert [Noted.ADDED, Noted.ADDED, Noted.LIMIT] == [registry.add(each, mine, 2) for each in ("one", "two", "three")]
    assert Noted.ADDED is registry.add("four", somebodys, 2)
    assert 3 == registry.count()


def test_whoever_is_refused_is_no_connection(registry: Registry):
    registry.add("one", until(NOW + 60_000), 1)
    registry.add("two", until(NOW + 1), 1)

    assert [] == registry.overdue(NOW + 1, ALL)
    assert Noted.CLOSED is registry.subscribe("two", until(NOW + 1), WHOLE_LAGOS)


@pytest.mark.parametrize("most", [0, 100])
def test_without_a_limit_or_below_it_nobody_is_refused(registry: Registry, most: int):
    assert {Noted.ADDED} == {registry.add(str(n), until(NOW + 60_000), most) for n in range(100)}


def test_whoever_connects_again_under_the_same_name_is_counted_once(registry: Registry):
    assert [Noted.ADDED] * 2 == [registry.add("one", until(NOW + 60_000), 1) for _ in range(2)]


def test_a_connection_that_is_closed_makes_room_for_another(registry: Registry):
    mine = until(NOW + 60_000)
    registry.add("one", mine, 1)
    registry.remove("one")

    assert Noted.ADDED is registry.add("two", mine, 1)


def test_a_connection_whose_token_is_over_makes_room_for_another(client: redis.Redis):
    clock = FakeClock(NOW)
    registry = Registry(client, clock)
    registry.add("one", until(NOW + 1_000), 1)
    clock.now += 1_000

    assert Noted.ADDED is registry.add("two", until(NOW + 60_000), 1)


def test_one_whose_end_was_only_half_noted_makes_room_for_another(registry: Registry, client: redis.Redis):
    mine = until(NOW + 60_000)
    registry.add("one", mine, 1)
    client.delete("connection:one")

    assert Noted.ADDED is registry.add("two", mine, 1)


def test_it_is_found_among_many_that_end_before_it(registry: Registry, client: redis.Redis):
    for n in range(150):
        registry.add(f"connection-{n}", until(NOW + 60_000 + n), 150)
    client.delete("connection:connection-149")

    assert Noted.ADDED is registry.add("one more", until(NOW + 60_000), 150)


def test_one_that_nobody_heard_the_end_of_makes_room_when_api_gateway_must_have_ended_it(client: redis.Redis):
    clock = FakeClock(NOW)
    registry, forever = Registry(client, clock), until(NOW + 365 * 86_400_000)
    registry.add("one", forever, 1)
    assert Noted.LIMIT is registry.add("two", forever, 1)
    clock.now += RECORD_SECONDS * 1_000

    assert Noted.ADDED is registry.add("two", forever, 1)


def test_one_that_a_lost_registry_hears_of_again_is_counted_again(registry: Registry, client: redis.Redis):
    mine = until(NOW + 60_000)
    registry.add("one", mine, 1)
    client.flushall()
    registry.subscribe("one", mine, WHOLE_LAGOS)

    assert Noted.LIMIT is registry.add("two", mine, 1)


def test_to_subscribe_makes_a_connection_no_younger(client: redis.Redis):
    clock = FakeClock(NOW)
    registry, forever = Registry(client, clock), until(NOW + 365 * 86_400_000)
    registry.add("one", forever, 1)
    clock.now += 3_600_000
    registry.subscribe("one", forever, WHOLE_LAGOS)
    clock.now = NOW + RECORD_SECONDS * 1_000

    assert Noted.ADDED is registry.add("two", forever, 1)


class LosingOneAnswer(redis.Redis):
    """A client to whom the answer to its first script is lost, though the script was carried out."""

    is_lost = False

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        made = super().pipeline(transaction, shard_hint)
        if transaction or self.is_lost:
            return made
        self.is_lost = True
        return LosingPipeline(made.connection_pool, made.response_callbacks, transaction, shard_hint)


class LosingPipeline(Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        super().execute(raise_on_error)
        raise redis.TimeoutError("Timeout reading from socket")


def test_one_that_was_noted_though_the_answer_was_lost_is_none(server: str, registry: Registry, client: redis.Redis):
    mine = until(NOW + 60_000)
    registry.add("one", mine, 2)

    with pytest.raises(Unavailable):
        Registry(LosingOneAnswer.from_url(server), FakeClock(NOW)).add("two", mine, 2)

    assert (1, [b"one"]) == (registry.count(), client.zrange(f"connections:of:{mine.subject}", 0, -1))
    assert Noted.CLOSED is registry.subscribe("two", mine, WHOLE_LAGOS)


def test_of_many_who_come_at_once_only_so_many_are_let_in(server: str, registry: Registry):
    mine = until(NOW + 60_000)
    everybody = threading.Barrier(8, timeout=10)

    def connect(connection_id: str) -> Noted:
        alone = Registry(redis.Redis.from_url(server), FakeClock(NOW))
        everybody.wait()
        return alone.add(connection_id, mine, 3)

    with ThreadPoolExecutor(8) as pool:
        noted = list(pool.map(connect, map(str, range(8))))

    assert (3, 5, 3) == (noted.count(Noted.ADDED), noted.count(Noted.LIMIT), registry.count())
