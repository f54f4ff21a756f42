import pytest

from fleetglow.ground import places, water
from heatmap.cells import BBox
from heatmap.cities import cities

NAMES = list(cities().named)
LAGOS = cities().get("lagos").bbox


def is_wet(lat: float, lon: float, box: BBox = LAGOS, city: str = "lagos", columns: int = 130, rows: int = 80) -> bool:
    raster = water(city, box, columns, rows)
    row = int((box.north - lat) / (box.north - box.south) * rows)
    return bool(raster[row][int((lon - box.west) / (box.east - box.west) * columns)])


@pytest.mark.parametrize("city", NAMES)
def test_every_city_has_its_ground_and_its_names(city: str):
    box = cities().get(city).bbox
    raster = water(city, box, 60, 40)
    share = sum(map(sum, raster)) / (60 * 40)

    assert (40, {60}) == (len(raster), {len(row) for row in raster})
    assert share < 0.6
    assert all(box.holds(place.lat, place.lon) for place in places(city))
    assert 1 == places(city)[0].rank


@pytest.mark.parametrize(
    ("lat", "lon", "wet"),
    [
        (6.37, 3.4, True),  # Gulf of Guinea
        (6.53, 3.48, True),  # Lagos Lagoon
        (6.60, 3.35, False),  # Ikeja
        (6.47, 3.60, False),  # Lekki peninsula
    ],
)
def test_sea_and_lagoon_are_water_and_the_city_is_not(lat: float, lon: float, wet: bool):
    assert wet == is_wet(lat, lon)


def test_a_river_is_water_however_narrow():
    box = cities().get("london").bbox

    # The Thames at Kingston.
    assert any(is_wet(51.41, lon / 1000, box, "london") for lon in range(-330, -290, 2))


def test_a_part_of_the_box_shows_a_part_of_the_ground():
    part = BBox(6.37, 3.38, 6.47, 3.50)

    assert is_wet(6.38, 3.4, part)
    assert not is_wet(6.43, 3.42, part)


@pytest.mark.parametrize(("city", "box"), [("s14", BBox(5.6, 2.8, 7.0, 4.2)), ("lagos", BBox(0, 0, 6.4, 3.4))])
def test_what_is_not_known_is_not_drawn(city: str, box: BBox):
    assert water(city, box, 60, 40) is None
    assert () == places("s14")
