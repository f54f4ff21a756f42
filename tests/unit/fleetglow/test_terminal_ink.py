import io
from itertools import pairwise

import pytest
from rich.color import Color
from rich.console import Console

from fleetglow.terminal_ink import ASCII, FULL, INDEXED, SHADES, SIXTEEN, ColourInk, Ink, ink_for, spelled


def a_console(system: str | None, encoding: str = "utf-8", *, no_color: bool = False) -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, force_terminal=True, color_system=system, no_color=no_color)


@pytest.mark.parametrize(
    ("console", "ink"),
    [
        (a_console("truecolor"), FULL),
        (a_console("256"), INDEXED),
        (a_console("standard"), SIXTEEN),
        (a_console(None), SHADES),
        (a_console("truecolor", no_color=True), SHADES),
        (a_console("truecolor", encoding="ascii"), ASCII),
        (a_console(None, encoding="latin-1"), ASCII),
    ],
    ids=["millions", "256", "16", "none", "NO_COLOR", "ASCII", "Latin 1"],
)
def test_a_terminal_gets_what_it_can_show(console: Console, ink: Ink):
    assert ink is ink_for(console)


def lightness(colour: str) -> float:
    red, green, blue = Color.parse(colour).get_truecolor()
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ink", [FULL, INDEXED], ids=["millions", "256"])
def test_more_drivers_are_lighter_so_that_nobody_has_to_tell_colours_apart(ink: ColourInk):
    for colours in (ink.colours, ink.faded_colours):
        shades = [lightness(colour) for colour in colours]
        assert sorted(shades) == shades
        assert min(later - earlier for earlier, later in pairwise(shades)) > 10
        assert shades[0] > max(lightness(ink.ground), lightness(ink.water))


@pytest.mark.parametrize("ink", [FULL, INDEXED, SIXTEEN], ids=["millions", "256", "16"])
def test_what_is_old_has_as_many_steps_as_what_is_new(ink: ColourInk):
    assert ink.steps == ink.faded().steps == len(ink.faded_colours)


def test_what_is_old_is_dim_without_colours():
    assert ("█", "dim") == SHADES.faded().pixel((3,), (0,))


def test_ascii_is_ascii():
    drawn = [ASCII.pixel((step,), (1,)) for step in (None, *range(ASCII.steps))]

    assert all(character.isascii() for character, _ in drawn)


@pytest.mark.parametrize(("is_ascii", "expected"), [(True, "Sao Paulo"), (False, "São Paulo")])
def test_names_lose_their_accents_where_there_are_none(is_ascii: bool, expected: str):
    assert expected == spelled("São Paulo", is_ascii=is_ascii)
