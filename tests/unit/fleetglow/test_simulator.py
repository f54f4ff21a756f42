from itertools import pairwise

import pytest

from fakes.asyncio_clock import START_MS, FakeAsyncClock
from fakes.outlet import FakeOutlet
from fleetglow.movement import Town
from fleetglow.outlet import Run
from fleetglow.sender import Tally
from fleetglow.simulator import Fleet, drive
from heatmap.cities import cities

TOWN = Town(cities().get("lagos"))


def a_fleet(count: int = 100, interval_s: float = 5, seed: int = 1, batch: int = 500) -> Fleet:
    return Fleet(TOWN, count, interval_s, seed=seed, batch=batch)


async def sent_by(fleet: Fleet, duration_s: float) -> FakeOutlet:
    outlet = FakeOutlet()
    await drive(fleet, duration_s, Run(outlet, lambda _passed_s, _tally: None), FakeAsyncClock())
    return outlet


@pytest.mark.parametrize(("drivers", "interval_s", "duration_s"), [(10, 5, 60), (1, 1, 10), (1000, 5, 20), (7, 2, 9)])
async def test_every_driver_sends_once_an_interval(drivers: int, interval_s: float, duration_s: float):
    outlet = await sent_by(a_fleet(drivers, interval_s), duration_s)

    assert len(outlet.pings) == pytest.approx(drivers * duration_s / interval_s, abs=drivers)
    times: dict[str, list[int]] = {}
    for ping in outlet.pings:
        times.setdefault(ping.driver_id, []).append(ping.sampled_at)
    assert drivers == len(times)
    for sampled in times.values():
        gaps = [later - earlier for earlier, later in pairwise(sampled)]
        assert gaps == pytest.approx([interval_s * 1000] * len(gaps), abs=2)


async def test_pings_are_spread_evenly_over_the_interval():
    outlet = await sent_by(a_fleet(10_000), 5)
    sizes = {len(request) for request in outlet.requests}

    assert {500} == sizes
    assert 20 == len({request[0].sampled_at for request in outlet.requests})


async def test_a_small_fleet_sends_twice_a_second_at_most():
    outlet = await sent_by(a_fleet(100), 5)

    assert 10 == len(outlet.requests)


async def test_a_fleet_larger_than_a_request_per_slice_sends_several():
    outlet = await sent_by(a_fleet(20_000), 1)

    assert {500} == {len(request) for request in outlet.requests}
    assert 8 == len(outlet.requests)


async def test_no_request_holds_more_than_the_batch():
    outlet = await sent_by(a_fleet(1000, 5, batch=20), 5)

    assert 20 == max(len(request) for request in outlet.requests)
    assert 1000 == len(outlet.pings)


async def test_pings_carry_the_time_at_which_they_are_sent():
    outlet = await sent_by(a_fleet(10, 5), 5)

    assert START_MS == outlet.pings[0].sampled_at
    assert START_MS + 4500 == outlet.pings[-1].sampled_at


async def test_drivers_are_named_after_their_city_and_the_seed():
    outlet = await sent_by(a_fleet(3, seed=42), 5)

    assert ["sim-lagos-42-00001", "sim-lagos-42-00002", "sim-lagos-42-00003"] == [
        ping.driver_id for ping in outlet.pings
    ]


async def test_the_same_seed_gives_the_same_pings():
    first = await sent_by(a_fleet(50, seed=3), 30)
    second = await sent_by(a_fleet(50, seed=3), 30)

    assert first.pings == second.pings


async def test_a_stopped_run_sends_no_more():
    outlet = FakeOutlet()

    def stop_after_a_second(passed_s: float, _tally: Tally) -> None:
        if passed_s >= 1:
            run.stop()

    run = Run(outlet, stop_after_a_second)
    await drive(a_fleet(100), 60, run, FakeAsyncClock())

    assert 30 == len(outlet.pings)


async def test_a_server_that_cannot_keep_up_does_not_prolong_the_run():
    clock = FakeAsyncClock()

    class SlowOutlet(FakeOutlet):
        async def submit(self, pings: object) -> None:
            await clock.sleep(2)

    await drive(a_fleet(100), 10, Run(SlowOutlet(), lambda _passed_s, _tally: None), clock)

    assert 10 <= clock.passed_s <= 13
