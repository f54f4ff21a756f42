import pytest

from heatmap.access import ADMIN, SCOPES, Names, Principal, context, principal
from heatmap.errors import Expired, NotAllowed


def somebody(
    scope: str = "pings:write", drivers: tuple[str, ...] = (), cities: tuple[str, ...] = ("*",), subject: str = "van-1"
) -> Principal:
    return Principal(subject, frozenset(scope.split()), 1_000, Names.of(drivers), Names.of(cities))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_allows_itself_and_admin_allows_all(scope: str):
    somebody(scope).require(scope)
    somebody(ADMIN).require(scope)


@pytest.mark.parametrize("scope", SCOPES)
def test_no_scope_but_admin_allows_another(scope: str):
    others = " ".join(set(SCOPES) - {scope, ADMIN})

    with pytest.raises(NotAllowed, match=f"scope: expected {scope}, got "):
        somebody(others).require(scope)


def test_a_driver_pings_for_itself():
    somebody().require_driver("van-1")
    with pytest.raises(NotAllowed, match='driver_id: expected one that the token may ping for, got "van-2"'):
        somebody().require_driver("van-2")


@pytest.mark.parametrize("subject", ["van-*", "*", "van-", "van", ""])
def test_a_subject_is_no_prefix(subject: str):
    with pytest.raises(NotAllowed):
        somebody(subject=subject).require_driver("van-1")


def test_whoever_may_ping_for_others_may_ping_for_itself():
    gateway = somebody(drivers=("truck-*",), subject="gateway")

    gateway.require_driver("gateway")
    gateway.require_driver("truck-1")


def test_a_token_for_a_city_is_good_there_and_nowhere_else():
    local = somebody(cities=("lagos",))

    local.require_city("lagos")
    for city in ("london", "s14", "lagos2"):
        with pytest.raises(NotAllowed, match="city: expected one that the token is good for"):
            local.require_city(city)


def test_a_token_is_over_at_its_end():
    somebody().require_current(999)
    with pytest.raises(Expired) as raised:
        somebody().require_current(1_000)
    assert "expired" == raised.value.code


@pytest.mark.parametrize("drivers", [(), ("van-2",), ("van-2", "truck-*", "*"), ("*",)])
def test_what_the_authorizer_passes_on_is_what_arrives(drivers: tuple[str, ...]):
    sent = somebody(drivers=drivers, cities=("lagos", "s1*"))

    assert sent == principal(context(sent))


def test_what_is_passed_on_is_flat_text():
    assert {str} == {type(value) for value in context(somebody(drivers=("van-2", "truck-*"))).values()}


def test_nothing_passed_on_allows_nothing():
    nobody = principal({})

    assert (False, False, frozenset()) == ("x" in nobody.drivers, "lagos" in nobody.cities, nobody.scopes)
    with pytest.raises(Expired):
        nobody.require_current(1)
