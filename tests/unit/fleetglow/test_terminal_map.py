import pytest

from fleetglow.terminal_map import COLOURS, draw, grid, legend, steps
from heatmap.cells import BBox, bbox_of, cell_of
from heatmap.cities import cities

LAGOS = cities().get("lagos").bbox


def a_cell(lat: float, lon: float, precision: int = 7) -> str:
    return cell_of(lat, lon, precision)


def test_no_driver_is_lost_where_pixels_are_larger_than_cells():
    cells = {a_cell(6.4 + step / 1000, 3.2 + step / 700): step + 1 for step in range(300)}

    shown = grid(cells, LAGOS, 100, 40)

    assert sum(cells.values()) == sum(map(sum, shown.pixels))


def test_a_cell_larger_than_a_pixel_fills_its_pixels():
    cell = a_cell(6.5, 3.4, precision=5)

    shown = grid({cell: 7}, bbox_of(cell), 20, 10)

    assert {7} == {count for row in shown.pixels for count in row}


def test_north_is_up_and_west_is_left():
    shown = grid({a_cell(LAGOS.north - 0.001, LAGOS.west + 0.001): 1}, LAGOS, 60, 30)

    assert 1 == shown.pixels[0][0]


def test_a_cell_outside_the_box_is_not_shown():
    shown = grid({a_cell(7.5, 3.4): 1, a_cell(6.5, 4.4): 1}, LAGOS, 60, 30)

    assert 0 == shown.most


@pytest.mark.parametrize(("columns", "lines"), [(200, 20), (40, 60), (1, 1), (80, 24), (0, -2)])
def test_the_map_fits_the_window(columns: int, lines: int):
    shown = grid({a_cell(6.5, 3.4): 1}, LAGOS, columns, lines)
    text = draw(shown).plain.split("\n")

    assert len(text) <= max(1, lines)
    assert {len(line) for line in text} == {len(shown.pixels[0])}
    assert len(text[0]) <= max(1, columns)


def test_the_map_keeps_its_shape():
    shown = grid({}, BBox(0, 0, 1, 2), 80, 80)

    assert (80, 40) == (len(shown.pixels[0]), len(shown.pixels))


def test_a_character_shows_two_pixels():
    assert "▀" == draw(grid({"s": 1}, BBox(10, 10, 12, 11), 1, 1)).plain
    half = grid({a_cell(1.5, 0.5, 2): 1}, BBox(0, 0, 2, 1), 1, 1)
    assert 1 == len(draw(half).plain)


@pytest.mark.parametrize("most", [1, 2, 6, 7, 10, 100, 12_345])
def test_steps_grow_and_reach_from_one_to_the_most(most: int):
    bounds = steps(most)

    assert sorted(set(bounds)) == bounds
    assert 1 == bounds[0]
    assert bounds[-1] <= most
    assert len(bounds) <= len(COLOURS)


def test_the_legend_names_the_numbers():
    shown = grid({a_cell(6.5, 3.4): 3, a_cell(6.6, 3.5): 1}, LAGOS, 100, 40)

    assert "drivers  ██ 1  ██ 2  ██ 3  " == legend(shown).plain


def test_an_empty_map_has_a_legend_without_numbers():
    shown = grid({}, LAGOS, 100, 40)

    assert "drivers  " == legend(shown).plain
    assert "" == draw(shown).plain.strip()
