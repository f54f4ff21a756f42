"""Somebody is forgotten."""

from typing import Any

import redis

from factories import LAGOS, a_ping, a_record
from heatmap import records
from heatmap.register import merged
from integration.privacy.town import CELL, EXACT, Screen, Town, rest


def forget(driver: str, scope: str = "admin") -> tuple[int, Any]:
    status, answer = rest("/drivers/{driver_id}", scope, "DELETE", {"driver_id": driver})
    return status, answer


def test_a_driver_who_is_forgotten_is_gone_with_the_next_frame(town: Town, client: redis.Redis):
    town.ping("van-7", "van-8")
    exact = Screen("exact-7", 7, EXACT)
    town.subscribe(exact)
    town.take(exact)

    status, answer = forget("van-7")
    town.tick()
    town.take(exact)

    assert (200, {"counted": ["lagos"], "held": [], "silent": [], "at_home": True}) == (status, answer["removed"])
    assert {"stream": 86_400, "failures": 1_209_600, "logs": 1_209_600} == answer["kept_seconds"]
    assert ({CELL: 1}, 1) == (exact.shown.cells, exact.shown.drivers)
    assert town.state.check(["lagos"])["lagos"].exact
    assert not [key for key in client.scan_iter() if b"van-7" in (client.dump(key) or b"")]


def test_what_was_held_of_it_is_gone_too(town: Town, client: redis.Redis):
    town.ping("van-7")
    town.clock.now += 1_000
    jump = [a_ping("van-7", town.clock.now, (LAGOS[0] + 0.1, LAGOS[1]))]
    town.state.apply(merged([records.decode(a_record(*jump))]), town.clock.now, lambda city: 70)
    assert client.hexists("{lagos}:jumps", "van-7")

    assert ["lagos"] == forget("van-7")[1]["removed"]["held"]
    assert not client.hexists("{lagos}:jumps", "van-7")


def test_to_forget_somebody_unknown_does_no_harm(town: Town):
    town.ping("van-8")

    assert {"counted": [], "held": [], "silent": [], "at_home": False} == forget("van-7")[1]["removed"]
    assert 1 == town.state.check(["lagos"])["lagos"].stamp.live


def test_an_id_may_hold_what_a_path_cannot(town: Town):
    town.ping("vans/7")

    answer = forget("vans%2F7")[1]

    assert ("vans/7", ["lagos"]) == (answer["driver_id"], answer["removed"]["counted"])


def test_only_an_admin_has_somebody_forgotten(town: Town):
    assert [403, 403] == [forget("van-7", scope)[0] for scope in (EXACT, "pings:write dispatch:write")]
