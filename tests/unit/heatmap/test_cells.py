import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatmap.cells import MAX_TILES, TILE_CHARACTERS, BBox, TileRange, bbox_from, bbox_of, cell_of, tiles_over
from heatmap.cities import cities
from heatmap.errors import InvalidInput, TooLarge

# To the metre, as receivers tell it: far below that, the sums in a geohash's bisection round.
latitudes = st.integers(-9_000_000, 9_000_000).map(lambda value: value / 100_000)
longitudes = st.integers(-18_000_000, 18_000_000).map(lambda value: value / 100_000)


@given(latitudes, longitudes, st.integers(1, 9))
def test_a_cell_holds_the_positions_that_are_in_it(lat: float, lon: float, precision: int):
    assert bbox_of(cell_of(lat, lon, precision)).holds(lat, lon)


@given(latitudes, longitudes)
def test_a_coarser_cell_is_a_prefix_of_a_finer_one(lat: float, lon: float):
    assert cell_of(lat, lon, 9).startswith(cell_of(lat, lon, 5))


@given(st.floats(6.3, 6.7), st.floats(3.1, 3.7), st.floats(6.3, 6.7), st.floats(3.1, 3.7))
def test_a_range_of_tiles_holds_exactly_the_tiles_it_lists(south: float, west: float, lat: float, lon: float):
    tiles = tiles_over(BBox(south, west, south + 0.1, west + 0.1), 7)

    tile = cell_of(lat, lon, 5)

    assert (tile in tiles.tiles()) == tiles.holds(tile) == (tiles.holding([tile]) == (tile,))
    assert tiles.count() == len(set(tiles.tiles()))


def test_a_city_is_covered_by_tiles_that_hold_all_of_it():
    lagos = cities().get("lagos").bbox
    tiles = tiles_over(lagos, 7)

    corners = [(lagos.south, lagos.west), (lagos.south, lagos.east), (lagos.north, lagos.west)]

    assert all(tiles.holds(cell_of(lat, lon, 5)) for lat, lon in corners)


@pytest.mark.parametrize("region", ["s14", "s00", "zzz", "000", "ebp", "kpb"])
@pytest.mark.parametrize("precision", [5, 6, 7])
def test_a_region_is_covered_by_its_own_tiles_and_no_others(region: str, precision: int):
    tiles = tiles_over(bbox_of(region), precision)

    assert 32 ** (precision - 5) == tiles.count()
    assert all(tile.startswith(region) for tile in tiles.tiles())


@given(latitudes, longitudes, st.integers(3, 9))
def test_the_box_of_a_tile_is_covered_by_that_tile(lat: float, lon: float, precision: int):
    tile = cell_of(lat, lon, precision - TILE_CHARACTERS)

    assert (tile,) == tiles_over(bbox_of(tile), precision).tiles()


def test_no_city_ends_where_its_outermost_drivers_would_be_in_a_tile_that_does_not_cover_it():
    for city in cities().named.values():
        corner = cell_of(city.bbox.north, city.bbox.east)

        assert all(tiles_over(city.bbox, p).holds(corner[: p - TILE_CHARACTERS]) for p in range(3, 8)), city.name


def test_a_box_too_wide_for_a_precision_names_the_one_that_fits():
    with pytest.raises(TooLarge, match=f"at most {MAX_TILES} tiles at precision 7 \\(precision 5 would fit\\)"):
        tiles_over(BBox(-10, -10, 10, 10), 7)


def test_one_tile_is_a_range_too():
    assert ("s14mh",) == TileRange("s14mh", "s14mh").tiles()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (None, "four numbers"),
        ([1, 2, 3], "four numbers"),
        (["1", 2, 3, 4], "four numbers"),
        ([True, 2, 3, 4], "four numbers"),
        ([float("nan"), 2, 3, 4], "latitudes"),
        ([1, 2, float("inf"), 4], "latitudes"),
        ([1, 2, 91, 4], "latitudes"),
        ([10**400, 2, 3, 4], "latitudes"),
        ([1, -181, 3, 4], "longitudes"),
        ([3, 2, 1, 4], "south below north"),
        ([1, 2, 1, 4], "south below north"),
        ([1, 170, 3, -170], "antimeridian"),
    ],
)
def test_a_box_that_is_none_is_refused_with_the_reason(values: object, named: str):
    with pytest.raises(InvalidInput, match=f"bbox: expected .*{named}"):
        bbox_from(values)


def test_a_box_is_south_west_north_east():
    assert BBox(1, 2, 3, 4) == bbox_from([1, 2, 3, 4])
