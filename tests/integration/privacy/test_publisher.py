"""Several who publish, and of several cities."""

from collections import Counter
from random import Random

import pytest

from adapters.publisher import CITIES, OUTAGE, Publisher
from factories import LAGOS
from heatmap.errors import Unavailable
from heatmap.state import Outcome, Publication, Stamp
from heatmap.viewports import Audience
from integration.privacy.town import CELL, EXACT, LEAST, PUBLIC, Screen, Town

BEIJING = (39.9, 116.4)


def test_whoever_publishes_goes_on_from_what_another_has_published(town: Town):
    publishers = [Publisher(town.state, LEAST), Publisher(town.state, LEAST)]
    random = Random(1)
    for turn in range(12):
        town.drive({f"driver-{n}": (LAGOS[0] + 0.0014 * random.randrange(4), LAGOS[1]) for n in range(12)})
        town.clock.now += 1
        publishers[turn % 3 % 2].publish(["lagos"])

        cells = town.state.view("lagos", 7, audience=Audience.PUBLIC).cells
        assert town.published().cells[7] == {cell: n for cell, n in cells.items() if n}


def test_what_is_older_is_not_published_over_what_is_newer(town: Town):
    town.ping("a", "b", "c")
    Publisher(town.state, LEAST).publish(["lagos"])
    exact = town.state.view("lagos", 7).stamp
    stands = town.state.view("lagos", 7, audience=Audience.PUBLIC).stamp
    older = Publication(stands.epoch, stands.rev, Stamp(exact.epoch, exact.rev - 1, 0, 0), {7: {CELL: -3}})

    assert Outcome.NEWER is town.state.publish("lagos", older).outcome
    assert {CELL: 3} == town.state.view("lagos", 7, audience=Audience.PUBLIC).cells


def regions(town: Town, many: int) -> list[str]:
    """The names of so many, with drivers in each of them."""
    for n in range(many):
        town.ping(f"a-{n}", f"b-{n}", f"c-{n}", position=(-40.0, 2.0 * n - 100))
    assert many == len(town.state.cities())
    return town.state.cities()


def test_of_many_watched_cities_only_what_has_changed_is_read(town: Town):
    names = regions(town, CITIES + 1)
    publisher = Publisher(town.state, LEAST)
    publisher.publish(names)

    publisher.publish(names)

    again = {name: town.state.read_from[name][1:] for name in names}
    assert {name: [town.state.view(name, 7).stamp.rev] for name in names} == again


def test_a_city_that_cannot_be_published_keeps_nobody_in_the_others_waiting(
    town: Town, screen: Screen, monkeypatch: pytest.MonkeyPatch
):
    counted: Counter[str] = Counter()
    monkeypatch.setattr("adapters.publisher.count", lambda name: counted.update({name.value: 1}))
    exact, elsewhere = Screen("exact-7", 7, EXACT), Screen("elsewhere", 7, PUBLIC)
    town.subscribe(exact)
    town.send("subscribe", elsewhere.connection, PUBLIC, city="beijing", precision=7)
    town.take(screen, exact)
    town.ping("a", "b", "c")
    town.ping("d", "e", "f", position=BEIJING)
    town.state.lost = {"beijing"}

    town.tick()

    assert [["delta"], ["delta"], []] == [types_of(town, each) for each in (screen, exact, elsewhere)]
    assert {"unavailable": 1} == counted
    town.state.lost.clear()
    town.queue.take_messages("")
    town.tick()
    assert ["delta"] == types_of(town, elsewhere)


def types_of(town: Town, screen: Screen) -> list[str]:
    return [message["type"] for message in town.queue.messages(screen.connection)]


def test_several_cities_that_cannot_be_published_are_an_outage(town: Town):
    names = regions(town, OUTAGE + 1)
    publisher = Publisher(town.state, LEAST)

    town.state.lost = set(names[1:OUTAGE])
    assert [names[0], names[-1]] == publisher.publish(names)

    town.state.lost.add(names[-1])
    with pytest.raises(Unavailable, match=names[-1]):
        publisher.publish(names)
