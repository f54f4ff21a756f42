"""Whatever stands in the environment is a setting within its bounds, or named and refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import settings
from heatmap.errors import Misconfigured

# What an environment can hold.
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20) | st.sampled_from(
    ["9" * 5_000, "٣", "1_0", "3" + ",3" * 9_999, "https://[", "https://keys.example.com:x/", "ws://", "wss://["]
)


@given(VALUES | st.integers(-9, 99).map(str))
def test_whatever_a_setting_is_it_is_within_bounds_or_refused(value: str):
    with pytest.MonkeyPatch.context() as environment, suppress(Misconfigured):
        environment.setenv("TICK_SECONDS", value)
        assert 1 <= settings.number("TICK_SECONDS", 1, 60) <= 60


@given(VALUES | st.lists(st.integers(0, 12).map(str), max_size=4).map(",".join))
def test_whatever_precisions_are_they_ascend_or_are_refused(value: str):
    with suppress(Misconfigured):
        found = settings.precisions(value)

        assert sorted(set(found)) == list(found)
        assert 3 <= found[0] <= found[-1] <= 9


@given(VALUES.map("https://".__add__) | VALUES)
def test_wherever_keys_are_published_it_is_a_url_or_refused(url: str):
    with pytest.MonkeyPatch.context() as environment, suppress(Misconfigured):
        for name in ("TOKEN_SECRET_ARN", "TOKEN_ISSUER", "TOKEN_AUDIENCE"):
            environment.setenv(name, "x")
        environment.setenv("JWKS_URL", url)

        found = settings.TokenSettings.from_env()

        assert ("" if url == "none" else url) == found.jwks_url
