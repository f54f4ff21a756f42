"""What a token says of its own end."""

import time

import pytest

from fleetglow.token_expiry import is_expired
from minting import a_token


def test_a_token_whose_end_is_past_is_over():
    assert is_expired(a_token(exp=int(time.time()) - 1))


@pytest.mark.parametrize("end", [int(time.time()) + 600, ..., "yesterday", None])
def test_a_token_that_lasts_or_does_not_say_is_not(end: object):
    assert not is_expired(a_token(exp=end))


@pytest.mark.parametrize("token", ["", "secret", "a.b.c", "e30.W10.", "\N{SNOWMAN}"])
def test_what_is_no_token_is_not(token: str):
    assert not is_expired(token)
