from math import hypot
from random import Random

import pytest

from fleetglow.districts import districts
from fleetglow.movement import METRES_PER_DEGREE, TOP_SPEED_MS, Driver, Town
from heatmap.cities import City, cities

NAMES = ["lagos", "nairobi", "london", "liverpool", "beijing", "sao-paulo", "san-francisco", "s14"]


@pytest.fixture(params=NAMES)
def city(request: pytest.FixtureRequest) -> City:
    return cities().get(request.param)


def test_every_city_that_ships_has_districts_inside_its_box(city: City):
    for district in districts(city):
        assert city.bbox.holds(district.lat, district.lon)


def test_a_driver_never_leaves_the_city(city: City):
    chance = Random(1)
    drivers = [Driver(Town(city), chance) for _ in range(20)]
    for _ in range(300):
        for driver in drivers:
            at = driver.move(7)
            assert city.bbox.holds(at.lat, at.lon)


def test_a_driver_keeps_to_the_speeds_of_a_city(city: City):
    chance = Random(2)
    drivers = [Driver(Town(city), chance) for _ in range(50)]
    speeds = [driver.move(5).speed for _ in range(100) for driver in drivers]

    assert 0 <= min(speeds)
    assert max(speeds) <= round(TOP_SPEED_MS, 1)


def test_what_a_driver_covers_is_what_its_speed_allows():
    town = Town(cities().get("lagos"))
    driver = Driver(town, Random(3))
    before = driver.move(0)
    for _ in range(500):
        after = driver.move(5)
        metres = hypot((after.lat - before.lat) * METRES_PER_DEGREE, (after.lon - before.lon) * town.lon_metres)
        assert metres <= TOP_SPEED_MS * 5 + 2  # two for rounding to five decimals
        before = after


def test_some_drivers_stand_and_most_move():
    chance = Random(4)
    town = Town(cities().get("london"))
    drivers = [Driver(town, chance) for _ in range(500)]
    for driver in drivers:
        driver.move(120)
    standing = sum(driver.move(5).speed == 0 for driver in drivers)

    assert 60 < standing < 250


def test_streets_run_along_the_grid_of_the_district():
    city = cities().get("beijing")
    grids = {round(district.grid_deg) % 90 for district in districts(city)}
    chance = Random(5)
    drivers = [Driver(Town(city), chance) for _ in range(50)]

    assert all(round(driver.move(30).heading) % 90 in grids for driver in drivers)


def test_the_centre_stays_denser_than_the_edge_however_long_it_runs():
    city = cities().get("lagos")
    town = Town(city)
    chance = Random(6)
    drivers = [Driver(town, chance) for _ in range(300)]
    readings = [driver.move(3600) for driver in drivers]
    middle = districts(city)[0]
    near = sum(hypot(at.lat - middle.lat, at.lon - middle.lon) < 0.1 for at in readings)

    # A circle of 11 km is an eighth of the box.
    assert near > 300 / 3


def test_the_same_seed_gives_the_same_journeys():
    town = Town(cities().get("nairobi"))

    def journey(seed: int) -> list[object]:
        driver = Driver(town, Random(seed))
        return [driver.move(5) for _ in range(50)]

    assert journey(7) == journey(7)
    assert journey(7) != journey(8)


def test_a_place_that_is_not_listed_gets_the_same_districts_every_time():
    region = cities().get("u4p")

    assert districts(region) == districts(region)
