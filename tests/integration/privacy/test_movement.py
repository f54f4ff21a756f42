"""What viewers without `drivers:read` are told of drivers who move at random."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from factories import LAGOS
from fleetglow.protocol import Delta
from integration.privacy.town import EXACT, LEAST, PUBLIC, PUBLISHED, Screen, Town, counts_in


def lose_everything(town: Town) -> None:
    town.client.flushall()


def lose_what_is_published(town: Town) -> None:
    town.client.delete(*town.client.keys("{lagos}:public:*"))


def restart(town: Town) -> None:
    town.start_anew()


def count_anew(town: Town) -> None:
    town.state.recount("lagos")


FAULTS: list[Callable[[Town], None] | None] = [None, restart, lose_what_is_published, count_anew, lose_everything]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__ if fault else "none")
@pytest.mark.parametrize("seed", range(3))
def test_of_drivers_who_move_at_random_viewers_see_what_is_published_and_no_more(
    town: Town, seed: int, fault: Callable[[Town], None] | None
):
    random = Random(seed)

    def somewhere() -> tuple[float, float]:
        return LAGOS[0] + 0.0014 * random.randrange(8), LAGOS[1] + 0.0014 * random.randrange(8)

    drivers = {f"driver-{n}": somewhere() for n in range(70)}
    town.drive(drivers)
    screens = [Screen(f"public-{precision}", precision, PUBLIC) for precision in PUBLISHED]
    exact = Screen("exact-7", 7, EXACT)
    for each in (*screens, exact):
        town.subscribe(each)
    town.take(*screens, exact)

    for turn in range(14):
        # Some move, some come back from silence, and some say nothing any more.
        moving = random.sample(sorted(drivers), 25)
        drivers |= {driver: somewhere() for driver in moving}
        town.drive({driver: drivers[driver] for driver in moving})
        if turn == 5 and fault:
            fault(town)
        before = [dict(each.shown.cells) for each in screens]
        if turn == 9 or (turn == 5 and fault):
            # They come back, each from where it left off.
            for each in (*screens, exact):
                town.subscribe(each)
        town.tick()
        *frames, _ = town.take(*screens, exact)

        for each, seen, was in zip(screens, frames, before, strict=True):
            emptied = [{cell for cell, n in frame.cells.items() if not n} for frame in seen if isinstance(frame, Delta)]
            assert all(cells <= was.keys() for cells in emptied), "an entry for a cell that was hidden before"
            assert town.published().cells[each.precision] == each.shown.cells
            # The total comes with a frame, and where no cell has changed there is none.
            assert not seen or town.published().drivers == each.shown.drivers
        for coarse, fine in pairwise(screens):
            more = Counter(coarse.shown.cells)
            for cell, count in fine.shown.cells.items():
                more[cell[: coarse.precision]] -= count
            assert all(excess >= 0 and excess % LEAST == 0 for excess in more.values())
        assert town.exact(7) == exact.shown.cells
        assert town.state.check(["lagos"])["lagos"].exact

    assert 50 < len(counts_in(town.told))
    assert not {1, 2} & set(counts_in(town.told))
    assert "driver-" not in json.dumps(town.told)
