import re
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatmap.access import Principal, context, principal
from heatmap.claims import LEEWAY_S, Expected, bearer
from heatmap.errors import Expired, NotAllowed
from heatmap.pings import FORBIDDEN_IN_IDS
from junk import VALUES, outcome, spoiled

NOW = 1_700_000_000
EXPECTED = Expected("https://id.example.com/", "maps")
SPACES = "".join(filter(str.isspace, map(chr, range(sys.maxunicode + 1))))
GOOD = {"iss": "https://id.example.com/", "aud": "maps", "sub": "van-1", "exp": NOW + 60}


def read(now: float = NOW, **changed: object) -> Principal:
    claims = {name: claim for name, claim in (GOOD | changed).items() if claim is not ...}
    return bearer(claims, EXPECTED, now)


def passed_on(bearer: Principal) -> Principal:
    """A bearer as the functions hear of them, with the plan that only the authorizer is to know."""
    return msgspec.structs.replace(principal(context(bearer)), plan=bearer.plan)


def test_a_token_without_limits_is_its_own_drivers_and_good_everywhere():
    principal = read()

    assert ("van-1", frozenset(), False, True) == (
        principal.subject,
        principal.scopes,
        principal.drivers.are_all,
        principal.cities.are_all,
    )


def test_an_audience_may_be_one_of_several():
    assert "van-1" == read(aud=["others", "maps"]).subject


def test_scopes_that_are_none_of_ours_are_kept_and_allow_nothing():
    principal = read(scope="openid  heatmap:read profile")

    principal.require("heatmap:read")
    with pytest.raises(NotAllowed):
        principal.require("pings:write")


def test_a_token_is_good_until_shortly_after_its_end():
    end = NOW + LEEWAY_S

    assert end * 1000 == read(exp=NOW, now=end - 0.001).expires_at
    with pytest.raises(Expired):
        read(exp=NOW, now=end)


def test_a_token_that_is_not_ours_is_not_called_expired():
    for wrong in ({"iss": "another"}, {"aud": "others"}, {"sub": ""}, {"scope": 7}, {"iat": NOW + 60}, {"cities": "x"}):
        with pytest.raises(NotAllowed) as refused:
            read(exp=NOW - 60, **wrong)
        assert not isinstance(refused.value, Expired)


def test_a_token_may_name_a_usage_plan():
    assert ("default", "acme-2") == (read().plan, read(fleetglow_plan="acme-2").plan)


def test_an_identity_providers_own_plans_are_none_of_ours():
    assert "default" == read(plan="Pro").plan


@pytest.mark.parametrize("plan", ["", "Acme", "a b", "a" * 33, "acme\n", 7, None, ["acme"]])
def test_a_plan_that_no_key_could_be_called_by_is_refused(plan: object):
    with pytest.raises(NotAllowed, match="fleetglow_plan to be 1 to 32 small letters"):
        read(fleetglow_plan=plan)


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_clocks_may_differ_by_a_little(claim: str):
    assert read(**{claim: NOW + LEEWAY_S})
    with pytest.raises(NotAllowed, match=f"{claim} not to lie ahead"):
        read(**{claim: NOW + LEEWAY_S + 1})


@pytest.mark.parametrize(
    "value",
    [
        True,
        "1700000060",
        -1,
        1_700_000_060_000,
        pytest.param(10**400, id="401 digits"),
        float("inf"),
        float("nan"),
        [NOW],
    ],
)
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_times_are_seconds(claim: str, value: object):
    with pytest.raises(NotAllowed, match=f"{claim} to be seconds"):
        read(**{claim: value})


@pytest.mark.parametrize("subject", [..., None, "", 7, "x" * 256, "two\nlines", "nul\0"])
def test_a_token_names_somebody(subject: object):
    with pytest.raises(NotAllowed, match="sub to be"):
        read(sub=subject)


@pytest.mark.parametrize("issuer", [..., None, "", "https://id.example.com", ["https://id.example.com/"]])
def test_another_issuer_is_refused(issuer: object):
    with pytest.raises(NotAllowed, match="iss"):
        read(iss=issuer)


@pytest.mark.parametrize("audience", [..., None, "", "map", "maps2", [], [["maps"]], {"maps": 1}])
def test_another_audience_is_refused(audience: object):
    with pytest.raises(NotAllowed, match="aud"):
        read(aud=audience)


@pytest.mark.parametrize("claim", ["drivers", "cities"])
def test_limits_are_lists_of_names_and_prefixes(claim: str):
    names = getattr(read(**{claim: ["van-1", "truck-*"]}), claim)

    assert [True, False, True, True, False] == [
        name in names for name in ("van-1", "van-12", "truck-", "truck-7", "lorry-truck-7")
    ]


@pytest.mark.parametrize("claim", ["drivers", "cities"])
def test_a_star_is_everything_and_an_empty_list_is_nothing(claim: str):
    assert getattr(read(**{claim: "*"}), claim).are_all
    assert getattr(read(**{claim: ["*"]}), claim).are_all
    assert "van-1" not in getattr(read(**{claim: []}), claim)


@pytest.mark.parametrize("value", ["lagos", 7, {"lagos": 1}, [7], [""], ["two words"], ["a:b"], ["x" * 129], [["*"]]])
@pytest.mark.parametrize("claim", ["drivers", "cities"])
def test_limits_of_any_other_shape_are_refused(claim: str, value: object):
    with pytest.raises(NotAllowed, match=f"{claim} to be a list of names"):
        read(**{claim: value})


@pytest.mark.parametrize("claims", [None, [], "x", 7])
def test_claims_are_an_object(claims: object):
    with pytest.raises(NotAllowed):
        bearer(claims, EXPECTED, NOW)


# Any at all, and what is nearly a name: with something in it that somewhere counts as a space.
TEXT = st.one_of(st.text(), st.text(st.sampled_from("ab*" + SPACES), min_size=1, max_size=3))


@pytest.mark.parametrize("claim", ["drivers", "cities"])
@given(st.lists(TEXT, min_size=1, max_size=2), TEXT, TEXT)
def test_the_bearer_of_a_token_may_do_the_same_wherever_that_is_passed_on(
    claim: str, names: list[str], scope: str, subject: str
):
    for changed in ({"sub": subject}, {"scope": scope}, {claim: names}):
        try:
            found = read(**changed)
        except NotAllowed:
            continue

        assert found == passed_on(found)


@pytest.mark.parametrize("space", SPACES)
def test_no_name_has_a_space_of_any_kind(space: str):
    assert FORBIDDEN_IN_IDS.search(space)
    for claim in ("drivers", "cities"):
        with pytest.raises(NotAllowed, match=f"{claim} to be a list of names"):
            read(**{claim: [f"fleet{space}*"]})


@pytest.mark.parametrize("space", SPACES.replace(" ", ""))
def test_nothing_but_a_space_ends_a_scope(space: str):
    with pytest.raises(NotAllowed):
        read(scope=f"x{space}admin").require("admin")


FULL = GOOD | {
    "nbf": NOW - 1,
    "iat": NOW - 1,
    "scope": "heatmap:read",
    "drivers": ["van-1", "fleet-*"],
    "cities": "*",
    "fleetglow_plan": "acme",
}


@given(VALUES | spoiled(FULL))
def test_whatever_the_claims_are_they_name_a_bearer_for_a_while_or_are_refused_untold(claims: object):
    found = outcome(lambda: bearer(claims, EXPECTED, NOW), NotAllowed)

    if isinstance(found, NotAllowed):
        # With nothing of the token in it: every word is ours.
        assert re.fullmatch(r"token: expected [a-z][\w ,.*]*", str(found))
    else:
        assert NOW * 1000 < found.expires_at
        assert found == passed_on(found)
