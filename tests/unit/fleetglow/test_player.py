from fakes.asyncio_clock import START_MS, FakeAsyncClock
from fakes.outlet import FakeOutlet
from fleetglow.outlet import Run
from fleetglow.player import play
from fleetglow.sender import Tally
from fleetglow.tracks.fix import Fix

LONG_AGO = 1_225_497_600_000


def a_fix(seconds: float, driver_id: str = "d1") -> Fix:
    return Fix(LONG_AGO + round(seconds * 1000), driver_id, 39.998205, 116.326188, speed=8.5, heading=90)


async def played(fixes: list[Fix], speed: float = 1) -> FakeOutlet:
    outlet = FakeOutlet()
    await play(fixes, fixes[0].at, speed, Run(outlet, lambda _passed_s, _tally: None), FakeAsyncClock())
    return outlet


async def test_old_times_are_laid_on_now_and_keep_their_spacing():
    outlet = await played([a_fix(0), a_fix(5), a_fix(12)])

    assert [START_MS, START_MS + 5_000, START_MS + 12_000] == [ping.sampled_at for ping in outlet.pings]


async def test_speed_divides_the_spacing():
    outlet = await played([a_fix(0), a_fix(5), a_fix(10)], speed=20)

    assert [START_MS, START_MS + 250, START_MS + 500] == [ping.sampled_at for ping in outlet.pings]


async def test_what_falls_due_together_goes_in_one_request():
    outlet = await played([a_fix(0, "d1"), a_fix(0.2, "d2"), a_fix(0.3, "d3")])

    assert [["d1", "d2"], ["d3"]] == [[ping.driver_id for ping in request] for request in outlet.requests]


async def test_no_request_is_larger_than_the_server_takes():
    outlet = await played([a_fix(0, f"d{number}") for number in range(1201)])

    assert [500, 500, 201] == [len(request) for request in outlet.requests]


async def test_no_ping_is_sent_before_its_time():
    clock = FakeAsyncClock()

    class Watchful(FakeOutlet):
        async def submit(self, pings: list) -> None:
            assert all(ping.sampled_at <= clock.wall_ms() <= ping.sampled_at + 250 for ping in pings)
            await super().submit(pings)

    outlet = Watchful()
    fixes = [a_fix(seconds / 7) for seconds in range(50)]
    await play(fixes, fixes[0].at, 1, Run(outlet, lambda _passed_s, _tally: None), clock)

    assert 50 == len(outlet.pings)


async def test_a_ping_carries_what_was_recorded():
    (ping,) = (await played([a_fix(0)])).pings

    assert ("d1", 39.998205, 116.326188, 8.5, 90) == (ping.driver_id, ping.lat, ping.lon, ping.speed, ping.heading)


async def test_a_stopped_run_does_not_wait_for_the_end_of_a_gap():
    outlet, clock = FakeOutlet(), FakeAsyncClock()

    def stop(_passed_s: float, _tally: Tally) -> None:
        run.stop()

    run = Run(outlet, stop)
    await play([a_fix(0), a_fix(3600)], LONG_AGO, 1, run, clock)

    assert 1 == len(outlet.pings)
    assert clock.passed_s < 1
