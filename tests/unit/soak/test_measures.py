"""What the scale run and the soak measure with: a wrong measure would prove nothing."""

from collections import Counter
from random import Random

import pytest

from fleetglow.movement import Town
from fleetglow.places import named_city
from soak.distribution import Distribution
from soak.fleet import HaltingFleet
from soak.meter import Usage
from soak.screens import audience, shares, viewports
from soak.settings import Scale
from soak.timeline import Timeline
from soak.truth import Probe


def distribution(*durations_ms: float) -> Distribution:
    found = Distribution()
    for duration_ms in durations_ms:
        found.add(duration_ms)
    return found


def test_a_duration_is_rounded_up_to_whole_steps():
    assert {0: 1, 1: 2, 2: 1} == distribution(0, 0.1, 10, 10.1).counts


def test_a_percentile_is_a_duration_that_occurred():
    hundred = distribution(*range(10, 1010, 10))

    assert (500, 950, 990, 1000) == tuple(hundred.percentile_ms(share) for share in (0.5, 0.95, 0.99, 1))
    assert 0 == distribution().percentile_ms(0.99)


def test_distributions_of_several_processes_add_up():
    sum_of_both = Distribution()
    sum_of_both.update([distribution(10, 20), distribution(20, 700)])

    assert (4, 20, 700) == (sum_of_both.size, sum_of_both.percentile_ms(0.5), sum_of_both.longest_ms)
    assert 1 == sum_of_both.beyond(699)


def test_a_viewer_is_behind_until_a_message_brings_the_revision():
    timeline = Timeline()
    timeline.note(at=1_000, delay_ms=40, rev=7)
    timeline.note(at=4_000, delay_ms=50, rev=9)

    behind = timeline.behind([(500, 7), (1_200, 8), (2_000, 9), (4_500, 9)], now=9_000)

    assert distribution(500, 2_800, 2_000, 0).counts == behind.counts


def test_what_a_viewer_never_got_counts_until_now():
    timeline = Timeline()
    timeline.note(at=1_000, delay_ms=40, rev=7)

    assert 8_000 == timeline.behind([(1_000, 8)], now=9_000).longest_ms


def test_delays_are_those_of_messages_that_came_since():
    timeline = Timeline()
    timeline.note(at=1_000, delay_ms=7_000, rev=7)
    timeline.note(at=2_000, delay_ms=50, rev=8)

    assert distribution(50).counts == timeline.delays(since=2_000).counts


def test_growth_is_the_slope_of_the_readings_since_a_moment():
    usage = Usage("Valkey", 1, is_load=False, at=[0, 10, 20, 30, 40], rss_mb=[10, 50, 50, 52, 54])

    assert pytest.approx(4) == usage.growth_mb(since=20)
    assert 0 == usage.growth_mb(since=40)


def test_a_process_takes_the_cores_it_used_while_it_was_seen():
    assert pytest.approx(0.5) == Usage("Valkey", 1, is_load=False, at=[100, 110], cpu_s=[3, 8]).cores


def test_viewports_are_distinct_and_each_has_a_viewer():
    offered = viewports("lagos", 200, Random(1))
    viewers = audience(offered, 2_000, Random(1))

    watched = Counter(viewer.subscription for viewer in viewers)
    assert (200, 2_000) == (len(watched), watched.total())
    assert {5, 6, 7, 8} == {viewer.precision for viewer in viewers}
    assert {"json", "deflate"} == {viewer.encoding for viewer in viewers}
    assert offered == viewports("lagos", 200, Random(1))


def test_shares_hold_every_viewer_once():
    viewers = audience(viewports("lagos", 5, Random(1)), 11, Random(1))

    first, second = shares(viewers, 2)

    assert (6, 5) == (len(first), len(second))
    assert Counter(viewers) == Counter(first + second)


def test_a_fleet_that_stands_still_goes_on_pinging_from_where_it_is():
    fleet = HaltingFleet(Town(named_city("lagos")), 20, 1.0, seed=1)
    slices = round(1.0 / fleet.slice_s)

    def places(first: int) -> dict[str, tuple[int, float, float]]:
        requests = [
            request for number in range(first, first + slices) for request in fleet.requests(number, 1000 * first)
        ]
        return {ping.driver_id: (ping.sampled_at, ping.lat, ping.lon) for pings in requests for ping in pings}

    moving, later = places(0), places(slices)
    fleet.is_halted = True
    standing = places(2 * slices)

    assert 20 == len(standing)
    assert moving != later
    assert {driver: place[1:] for driver, place in later.items()} == {
        driver: place[1:] for driver, place in standing.items()
    }
    assert {2_000 * slices} == {place[0] for place in standing.values()}


class FakeRevisions:
    """The revisions of cells, as Valkey's sorted sets hold them."""

    def __init__(self) -> None:
        self.revs: dict[str, dict[bytes, float]] = {}

    def _ascending(self, key: str) -> list[tuple[bytes, float]]:
        return sorted(self.revs.get(key, {}).items(), key=lambda item: item[1])

    def zrange(self, key: str, first: int, last: int, *, withscores: bool) -> list[tuple[bytes, float]]:
        return self._ascending(key)[first:]

    def zrangebyscore(self, key: str, after: str, until: str, *, withscores: bool) -> list[tuple[bytes, float]]:
        return [item for item in self._ascending(key) if item[1] > float(after.removeprefix("("))]


def test_a_probe_notes_a_change_for_each_viewport_that_covers_it():
    watched = {name: viewport for name, (viewport, _) in viewports("lagos", 3, Random(1)).items()}
    whole = next(name for name in watched if "/7/" in name)
    revisions = FakeRevisions()
    probe = Probe(revisions, "lagos", watched)  # type: ignore[arg-type]

    revisions.revs["{lagos}:r:7"] = {b"s14mk2x": 4}
    probe.sample()
    revisions.revs["{lagos}:r:7"] = {b"s14mk2x": 4, b"s14mk2y": 5, b"s14mk2z": 6}
    probe.sample()
    probe.sample()

    assert [6] == [rev for _, rev in probe.samples[whole]]
    assert all(not samples for name, samples in probe.samples.items() if name != whole)


def test_the_environment_sets_the_size_of_a_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCALE_VIEWERS", "200")
    monkeypatch.setenv("SCALE_MINUTES", "0.5")

    assert Scale(viewers=200, minutes=0.5) == Scale.from_env("SCALE")


@pytest.mark.parametrize("value", ["many", "0", "-1", "2.5"])
def test_a_size_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("SCALE_VIEWERS", value)

    with pytest.raises(ValueError, match="SCALE_VIEWERS: expected a whole number above zero"):
        Scale.from_env("SCALE")
