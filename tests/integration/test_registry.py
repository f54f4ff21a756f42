"""When connections are to end, on a real registry."""

import pytest
import redis

from adapters.registry import RECORD_SECONDS, Registry
from factories import NOW, TESTER
from fakes.clock import FakeClock
from heatmap.access import Principal, principal
from heatmap.cities import cities
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
