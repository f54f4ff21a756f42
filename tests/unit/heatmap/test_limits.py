import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import NOW, a_ping
from heatmap.limits import RateLimit, wait_ms
from heatmap.pings import Parsed, Rejection


def admit(limit: RateLimit, *drivers: str, now: int = NOW) -> Parsed:
    return limit.admit(Parsed([a_ping(driver) for driver in drivers], []), now)


def accepted(parsed: Parsed) -> list[str]:
    return [ping.driver_id for ping in parsed.pings]


def test_a_driver_who_was_silent_may_send_a_burst_at_once_and_no_more():
    admitted = admit(RateLimit(2, 3), *["van"] * 5)

    assert (3, [3, 4]) == (len(admitted.pings), [each.index for each in admitted.rejected])
    assert {"rate_limited"} == {each.code for each in admitted.rejected}
    assert admitted.rejected[0].message.startswith(
        "driver_id: expected at most 2 pings a second of a driver, 3 at once"
    )


def test_who_is_within_the_limit_has_nothing_looked_at():
    parsed = Parsed([a_ping()], [])

    assert parsed is RateLimit(2, 3).admit(parsed, NOW)


def test_drivers_do_not_use_up_each_others_pings():
    assert ["a", "b"] == accepted(admit(RateLimit(1, 1), "a", "a", "b"))


def test_after_the_time_that_was_told_a_ping_is_taken_and_not_before():
    limit = RateLimit(2, 3)
    [refused] = admit(limit, *["van"] * 4).rejected
    assert isinstance(refused.retry_after_ms, int)

    assert [] == accepted(admit(limit, "van", now=NOW + refused.retry_after_ms - 1))
    assert ["van"] == accepted(admit(limit, "van", now=NOW + refused.retry_after_ms))


def test_a_refused_ping_uses_up_nothing():
    limit = RateLimit(1, 1)
    admit(limit, *["van"] * 100)

    assert ["van"] == accepted(admit(limit, "van", now=NOW + 1_000))


def test_a_clock_that_is_set_back_does_not_silence_for_longer_than_that():
    limit = RateLimit(1, 1)
    admit(limit, "van")

    [refused] = admit(limit, "van", now=NOW - 5_000).rejected

    assert 6_000 == refused.retry_after_ms


def test_places_are_those_of_the_request_and_ascend():
    # Its pings 0 and 2 could not be read.
    parsed = Parsed([a_ping("van"), a_ping("van"), a_ping("bus")], [Rejection(i, "invalid", "x") for i in (0, 2)])

    admitted = RateLimit(1, 1).admit(parsed, NOW)

    assert [(0, "invalid"), (2, "invalid"), (3, "rate_limited")] == [(e.index, e.code) for e in admitted.rejected]
    assert ["van", "bus"] == accepted(admitted)


def test_drivers_are_forgotten_only_after_as_many_others():
    limit = RateLimit(1, 1, drivers=10)
    admit(limit, "van")
    admit(limit, *[f"other-{n}" for n in range(15)])
    assert [] == accepted(admit(limit, "van"))

    admit(limit, *[f"another-{n}" for n in range(20)])

    assert ["van"] == accepted(admit(limit, "van"))


def test_what_is_remembered_is_bounded():
    limit = RateLimit(1, 1, drivers=10)
    for n in range(1_000):
        admit(limit, f"driver-{n}")

    assert limit.remembered <= 20


@given(st.lists(st.integers(0, 3_000), max_size=60), st.integers(1, 5), st.integers(1, 10))
def test_no_stretch_of_time_sees_more_than_the_burst_and_the_rate(gaps: list[int], per_second: int, burst: int):
    limit, now, taken = RateLimit(per_second, burst), NOW, []
    for gap in gaps:
        now += gap
        taken += [now] * len(admit(limit, "van", now=now).pings)

    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], start=first):
            assert last - first + 1 <= burst + per_second * (end - begin) / 1_000 + 1e-6


@pytest.mark.parametrize(
    ("codes", "expected"),
    [(["rate_limited"] * 2, 200), (["rate_limited", "invalid"], 0), (["invalid"], 0), ([], 0)],
)
def test_only_a_request_that_came_too_fast_throughout_is_asked_to_wait(codes: list[str], expected: int):
    waits = {"rate_limited": 200}
    rejected = [
        Rejection(n, code, "x", waits[code] + n) if code in waits else Rejection(n, code, "x")
        for n, code in enumerate(codes)
    ]

    assert expected == wait_ms(Parsed([], rejected))


def test_a_request_of_which_something_was_taken_is_not_asked_to_wait():
    assert 0 == wait_ms(admit(RateLimit(1, 1), "van", "van"))
