"""What the benchmarks measure with: that it is the same each time, and what it says it is."""

import importlib

import pytest

from benchmarks.audience import DESKTOP, on_screen, viewports
from benchmarks.fleet import DRIVERS, INTERVAL_MS, rounds
from benchmarks.result import Contestant, paired, ratio
from fleetglow.commands.bench import BENCHMARKS
from heatmap.cities import cities
from heatmap.pings import parse

STARTED_AT = 1_700_000_000_000


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_is_run_by_its_name(name: str):
    assert callable(importlib.import_module(f"benchmarks.{name}").run)


def test_in_a_round_every_driver_pings_once():
    [(now, bodies)] = rounds(1, STARTED_AT)

    pings = [ping for body in bodies for ping in parse(body, now, cities()).pings]

    assert (STARTED_AT + INTERVAL_MS, DRIVERS) == (now, len(pings))
    assert DRIVERS == len({ping.driver_id for ping in pings})


def test_the_fleet_is_the_same_each_time():
    assert list(rounds(1, STARTED_AT)) == list(rounds(1, STARTED_AT))


def test_so_many_distinct_viewports_are_watched_and_fewer_of_them_are_the_first_of_many():
    many = viewports(300)

    assert 300 == len({viewport.subscription for viewport in many})
    assert viewports(100) == many[:100]


def test_one_zoom_further_in_a_screen_shows_half_as_many_degrees():
    far, near = (on_screen(6.5, 3.4, zoom, DESKTOP) for zoom in (12, 13))

    assert pytest.approx(2) == (far.east - far.west) / (near.east - near.west)
    assert pytest.approx(2) == (far.north - far.south) / (near.north - near.south)


def test_rates_are_compared_round_by_round():
    done = []

    def contestant(name: str) -> Contestant:
        return Contestant(lambda: done.append(name) or 1)

    rates = paired({"ours": contestant("ours"), "limit": contestant("limit")}, rounds=2)

    assert ["ours", "limit"] * 3 == done
    assert [2, 2] == [len(each) for each in rates.values()]
    assert 0.5 == ratio([1.0, 2.0, 4.0], [2.0, 4.0, 1.0])
