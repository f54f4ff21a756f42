from factories import LAGOS, a_ping
from heatmap.access import PINGS_WRITE, Names, Principal
from heatmap.permits import permitted
from heatmap.pings import Parsed, Rejection

NAIROBI = (-1.3, 36.8)


def sender(*drivers: str, cities: tuple[str, ...] = ("*",)) -> Principal:
    return Principal("van-1", frozenset({PINGS_WRITE}), 1_000, Names.of(drivers), Names.of(cities))


def test_whoever_may_ping_for_all_has_nothing_refused():
    parsed = Parsed([a_ping("van-1"), a_ping("van-2")], [])

    assert parsed is permitted(parsed, sender("*"))


def test_a_ping_of_another_driver_is_refused_by_its_place_and_the_others_go_through():
    parsed = Parsed([a_ping("van-1"), a_ping("truck-1"), a_ping("van-1")], [])

    left = permitted(parsed, sender())

    assert ["van-1", "van-1"] == [ping.driver_id for ping in left.pings]
    [refused] = left.rejected
    assert (1, "forbidden") == (refused.index, refused.code)
    assert refused.message.startswith("driver_id: ")


def test_a_ping_from_another_city_is_refused():
    left = permitted(Parsed([a_ping(position=LAGOS), a_ping(position=NAIROBI)], []), sender("*", cities=("lagos",)))

    assert ["lagos"] == [ping.city for ping in left.pings]
    assert [(1, "forbidden")] == [(each.index, each.code) for each in left.rejected]
    assert left.rejected[0].message.startswith("city: ")


def test_places_are_those_of_the_request_and_ascend():
    # Its pings 0, 2 and 5 could not be read.
    unreadable = [Rejection(index, "invalid", "x") for index in (0, 2, 5)]
    parsed = Parsed([a_ping("van-1"), a_ping("truck-1"), a_ping("van-1"), a_ping("truck-2")], unreadable)

    left = permitted(parsed, sender())

    assert [(0, "invalid"), (2, "invalid"), (3, "forbidden"), (5, "invalid"), (6, "forbidden")] == [
        (each.index, each.code) for each in left.rejected
    ]
