"""What `fleetglow forget` says; the call itself is made of a running stack in `tests/e2e/test_privacy.py`."""

import pytest

from fleetglow.errors import BadInput
from fleetglow.forgetting import Answer, Kept, forgotten, lines
from heatmap.state import Forgotten

KEPT = Kept(stream=86_400, failures=1_209_600, logs=36_000)


def test_it_says_what_was_removed_and_what_is_still_kept():
    removed, kept = lines(Answer("van-7", Forgotten(["lagos"], ["s00"], [], at_home=True), KEPT))

    assert (
        "van-7: removed from the counts of lagos, a reading that was held in s00, the city that it was at home in"
        == removed
    )
    assert "stream for up to 24 hours" in kept
    assert "failure queue for up to 14 days" in kept
    assert "logs for 10 hours" in kept


def test_of_somebody_unknown_it_says_so():
    assert "van-7: nothing was known of it" == lines(Answer("van-7", Forgotten([], [], [], at_home=False), KEPT))[0]


def test_only_a_rest_api_is_asked():
    with pytest.raises(BadInput, match="--rest-url: expected an http:// or https:// URL, got 'file:///etc'"):
        forgotten("van-7", "file:///etc", "token")


@pytest.mark.parametrize("driver", ["", "a b", "a:b", "{a}", "x" * 129])
def test_only_what_may_be_an_id_is_asked_for(driver: str):
    with pytest.raises(BadInput, match=r"DRIVER: expected the id of a driver, 1 to 128 characters .*, got '"):
        forgotten(driver, "http://127.0.0.1:1", "token")
