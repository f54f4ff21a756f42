import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetglow.ground import Place
from fleetglow.terminal_ink import ASCII, FULL, SHADES, Ink
from fleetglow.terminal_map import Grid, Window, draw, fit, fitting_precision, framed, grid, legend, steps
from heatmap.cells import BBox, bbox_of, cell_of
from heatmap.cities import cities

LAGOS = cities().get("lagos").bbox
ALL_PRECISIONS = (4, 5, 6, 7, 8)


def a_cell(lat: float, lon: float, precision: int = 7) -> str:
    return cell_of(lat, lon, precision)


def a_grid(cells: dict[str, int], columns: int = 100, lines: int = 40, rows: int = 2) -> Grid:
    return grid(cells, fit(LAGOS, columns, lines, rows))


def plain(shown: Grid, ink: Ink = SHADES) -> list[str]:
    return [line.plain for line in draw(shown, ink)]


@given(st.lists(st.tuples(st.floats(6.351, 6.749), st.floats(3.101, 3.749)), max_size=60), st.sampled_from([1, 2]))
def test_no_driver_is_lost_or_counted_twice_where_pixels_are_larger_than_cells(
    positions: list[tuple[float, float]], rows: int
):
    cells = {a_cell(lat, lon): number + 1 for number, (lat, lon) in enumerate(positions)}

    shown = a_grid(cells, rows=rows)

    assert sum(cells.values()) == sum(map(sum, shown.pixels)) == shown.drivers


def test_a_cell_larger_than_a_pixel_fills_its_pixels():
    cell = a_cell(6.5, 3.4, precision=5)

    shown = grid({cell: 7}, fit(bbox_of(cell), 20, 10, 2))

    assert {7} == {count for row in shown.pixels for count in row}
    assert 7 == shown.drivers


def test_north_is_up_and_west_is_left():
    shown = a_grid({a_cell(LAGOS.north - 0.001, LAGOS.west + 0.001): 1})

    assert 1 == shown.pixels[0][0]


def test_a_cell_outside_the_box_is_not_shown():
    shown = a_grid({a_cell(7.5, 3.4): 1, a_cell(6.5, 4.4): 1})

    assert (0, 0) == (shown.most, shown.drivers)


@pytest.mark.parametrize("ink", [FULL, SHADES, ASCII], ids=["colours", "shades", "ASCII"])
@pytest.mark.parametrize(("columns", "lines"), [(200, 20), (40, 60), (1, 1), (80, 24), (0, -2)])
def test_the_map_fits_the_window(columns: int, lines: int, ink: Ink):
    shown = grid({a_cell(6.5, 3.4): 1}, fit(LAGOS, columns, lines, ink.rows))
    text = plain(shown, ink)

    assert len(text) <= max(1, lines)
    assert {shown.window.columns} == {len(line) for line in text}
    assert shown.window.columns <= max(1, columns)


@pytest.mark.parametrize(("rows", "down"), [(1, 20), (2, 40)])
def test_the_map_keeps_its_shape_in_characters_twice_as_high_as_wide(rows: int, down: int):
    window = fit(BBox(0, 0, 1, 2), 80, 80, rows)

    assert (80, down) == (window.columns, window.rows)


@pytest.mark.parametrize(
    ("columns", "lines", "expected"),
    [(20, 8, 6), (80, 20, 7), (200, 60, 7), (1000, 1000, 7)],
    ids=["tiny", "usual", "large", "more than may be watched at once"],
)
def test_the_precision_is_the_coarsest_that_no_pixel_shows_as_a_block(columns: int, lines: int, expected: int):
    assert expected == fitting_precision(fit(LAGOS, columns, lines, 2), ALL_PRECISIONS)


def test_the_precision_is_one_of_those_that_the_server_has():
    window = fit(LAGOS, 80, 20, 2)

    assert 6 == fitting_precision(window, (4, 5, 6))
    assert 8 == fitting_precision(window, (8,))
    assert 8 == fitting_precision(fit(BBox(6.42, 3.38, 6.43, 3.39), 80, 20, 2), ALL_PRECISIONS)


@pytest.mark.parametrize("most", [1, 2, 6, 7, 10, 100, 12_345])
@pytest.mark.parametrize("number", [4, 5, 6])
@pytest.mark.parametrize("least", [1, 2, 3, 10])
def test_steps_grow_and_reach_from_the_least_to_the_most(most: int, number: int, least: int):
    bounds = steps(most, number, least)

    assert sorted(set(bounds)) == bounds
    assert min(least, most) == bounds[0]
    assert bounds[-1] <= most
    assert len(bounds) <= number


def test_fuller_characters_stand_for_more_drivers():
    shown = Grid(Window(LAGOS, 5, 1), [[0, 1, 2, 3, 4]], 10)

    assert [" ░▒▓█"] == plain(shown, SHADES)


def test_two_pixels_share_a_character_in_colour():
    [line] = draw(Grid(Window(LAGOS, 2, 2), [[1, 0], [2, 0]], 3), FULL)

    assert "▀ " == line.plain
    assert [f"{FULL.colours[0]} on {FULL.colours[-1]}", f"on {FULL.ground}"] == [span.style for span in line.spans]


def test_water_is_told_from_land_where_nobody_is():
    shown = Grid(Window(LAGOS, 3, 1), [[0, 0, 1]], 1)

    assert ["~ ░"] == [line.plain for line in draw(shown, SHADES, (bytes([1, 0, 1]),))]


@pytest.mark.parametrize("ink", [FULL, SHADES], ids=["colours", "shades"])
def test_a_place_is_named_where_it_is(ink: Ink):
    shown = a_grid({}, rows=ink.rows)
    lines = [line.plain for line in draw(shown, ink, None, [Place("Ikeja", 6.6, 3.35, 1)])]

    [(row, line)] = [(row, line) for row, line in enumerate(lines) if "Ikeja" in line]
    assert pytest.approx((6.75 - 6.6) / 0.4, abs=0.03) == row / len(lines)
    assert pytest.approx((3.35 - 3.1) / 0.65, abs=0.03) == (line.index("Ikeja") + 2.5) / len(line)


def test_a_name_shows_the_drivers_behind_it_or_is_left_out():
    place = Place("Ikeja", 6.6, 3.35, 1)
    cells = {a_cell(6.6, 3.35): 5}

    coloured = draw(a_grid(cells), FULL, None, [place])
    shaded = draw(a_grid(cells, rows=1), SHADES, None, [place])

    assert any("Ikeja" in line.plain and f"on {FULL.colours[-1]}" in str(line.spans) for line in coloured)
    assert not any("Ikeja" in line.plain for line in shaded)


def test_names_neither_touch_nor_leave_the_map():
    places = [Place("Ikeja", 6.6, 3.35, 1), Place("Beside", 6.6, 3.37, 2), Place("Westmost", 6.5, 3.1, 2)]
    text = "\n".join(line.plain for line in draw(a_grid({}), FULL, None, [*places, Place("Far", 7, 3, 1)]))

    assert "Ikeja" in text
    assert not any(name in text for name in ("Beside", "Westmost", "Far"))


def test_the_legend_names_the_numbers_and_what_is_counted_together():
    shown = a_grid({a_cell(6.5, 3.4): 3, a_cell(6.6, 3.5): 1}, 100, 40)

    assert "drivers per 719 m square     1     2     3" == legend(shown, FULL, 7, 100).plain
    assert "drivers per 4.87 km square     1     2     3" == legend(shown, FULL, 5, 100).plain
    tall = a_grid({a_cell(6.5, 3.4): 30}, 100, 40, rows=1)
    assert "drivers per 719 m x 1.44 km  .. 1  :: 2  ++ 3-4  **" == legend(tall, ASCII, 7, 51).plain


def test_where_cells_are_hidden_the_legend_begins_with_the_least_count_that_is_told():
    window = fit(LAGOS, 100, 40, 2)
    shown = grid({a_cell(6.5, 3.4): 3, a_cell(6.6, 3.5): 5}, window, least=3)

    assert "drivers per 719 m square     3     4     5" == legend(shown, FULL, 7, 100).plain
    assert "no cell of 3 drivers in view" == legend(grid({}, window, least=3), FULL, 7, 100).plain


def test_counts_of_before_the_least_one_was_told_are_drawn_all_the_same():
    assert [" ░░"] == plain(Grid(Window(LAGOS, 3, 1), [[0, 1, 2]], 3, least=3))
    assert [" ░░█"] == plain(Grid(Window(LAGOS, 4, 1), [[0, 1, 3, 4]], 8, least=3))


def test_the_frame_says_below_which_count_cells_are_hidden():
    shown = a_grid({}, rows=1)

    def top(least: int) -> str:
        return framed(draw(shown, SHADES), shown.window, is_ascii=True, least=least)[0].plain

    assert top(3).endswith(" cells under 3 drivers hidden +")
    assert "hidden" not in top(1)


def test_an_empty_map_says_so():
    shown = a_grid({})

    assert "no drivers in view" == legend(shown, FULL, 7, 100).plain
    assert "" == "".join(plain(shown)).strip()


@pytest.mark.parametrize("is_ascii", [True, False])
def test_the_frame_tells_the_corners_and_the_scale(is_ascii: bool):
    shown = a_grid({}, rows=1)
    top, *lines, bottom = [line.plain for line in framed(draw(shown, SHADES), shown.window, is_ascii=is_ascii)]

    degree = "" if is_ascii else "°"
    assert f" 6.75{degree}N 3.10{degree}E " in top
    assert f" 6.35{degree}N 3.75{degree}E " in bottom
    assert " 10 km " in bottom
    assert {shown.window.columns + 2} == {len(line) for line in (top, *lines, bottom)}
    assert not is_ascii or all(line.isascii() for line in (top, *lines, bottom))


def test_the_scale_is_as_long_as_it_says():
    shown = a_grid({}, rows=1)
    *_, bottom = [line.plain for line in framed(draw(shown, SHADES), shown.window, is_ascii=False)]
    length = bottom.index("┤") - bottom.index("├") + 1

    assert pytest.approx(10_000, rel=0.05) == length * shown.window.size_m[0] / shown.window.columns


@pytest.mark.parametrize("columns", range(1, 40))
def test_a_frame_too_small_for_its_texts_is_a_frame_all_the_same(columns: int):
    shown = grid({}, Window(LAGOS, columns, 2))

    assert {columns + 2} == {len(line) for line in framed(draw(shown, SHADES), shown.window, is_ascii=False)}
