"""What a terminal can draw with: colours, few colours, or characters only. Each says honestly what it can show."""

from dataclasses import dataclass, replace
from typing import Protocol
from unicodedata import normalize

from rich.console import Console

UPPER, LOWER = "▀", "▄"
type Glyph = tuple[str, str]
"""A character and its style."""


class Ink(Protocol):
    """Draws drivers by step, from 0 for few to `steps` - 1 for many, and None for nobody.

    Attributes:
        steps: how many can be told apart.
        rows: of pixels that one character shows, one above the other.
    """

    @property
    def steps(self) -> int: ...

    @property
    def rows(self) -> int: ...

    def pixel(self, steps: tuple[int | None, ...], water: tuple[int, ...]) -> Glyph:
        """The character that shows `rows` pixels."""

    def letter(self, character: str, under: Glyph) -> Glyph | None:
        """A character of a name over what is drawn there; None if it would hide it."""

    def swatch(self, step: int) -> Glyph:
        """What stands for a step in the legend."""

    def faded(self) -> "Ink":
        """The same for what is old."""


@dataclass(frozen=True)
class ColourInk:
    """Half blocks: two square pixels to a character. The ground is painted too: a light terminal shows the same.

    Attributes:
        colours: from few to many.
        water: in place of `ground`, where there is water.
        faded_colours: of what is old.
        lettering: of names over drivers, `quiet_lettering` where nobody is.
        light_from: the first of the colours that is written upon in black.
    """

    colours: tuple[str, ...]
    ground: str
    water: str
    lettering: str
    quiet_lettering: str
    faded_colours: tuple[str, ...]
    light_from: int = 3
    rows: int = 2

    @property
    def steps(self) -> int:
        return len(self.colours)

    def pixel(self, steps: tuple[int | None, ...], water: tuple[int, ...]) -> Glyph:
        above, below = (self._colour(step, wet) for step, wet in zip(steps, water, strict=True))
        return (" ", f"on {above}") if above == below else (UPPER, f"{above} on {below}")

    def letter(self, character: str, under: Glyph) -> Glyph | None:
        # Of two pixels the one with more drivers shows behind the letter.
        colours = under[1].removeprefix("on ").split(" on ")
        steps = [self.colours.index(colour) if colour in self.colours else -1 for colour in colours]
        most = max(steps)
        dark = self.lettering if most >= 0 else self.quiet_lettering
        ink = "black" if most >= self.light_from else dark
        return character, f"{ink} on {colours[steps.index(most)]}"

    def swatch(self, step: int) -> Glyph:
        return "  ", f"on {self.colours[step]}"

    def faded(self) -> Ink:
        return replace(self, colours=self.faded_colours)

    def _colour(self, step: int | None, is_water: int) -> str:
        if step is not None:
            return self.colours[step]
        return self.water if is_water else self.ground


@dataclass(frozen=True)
class CharacterInk:
    """One pixel to a character, fuller for more drivers; `water` is a ripple here and there."""

    characters: str
    water: str = "~"
    style: str = ""
    rows: int = 1

    @property
    def steps(self) -> int:
        return len(self.characters)

    def pixel(self, steps: tuple[int | None, ...], water: tuple[int, ...]) -> Glyph:
        [step], [is_water] = steps, water
        if step is not None:
            return self.characters[step], self.style
        return (self.water, "dim") if is_water else (" ", "")

    def letter(self, character: str, under: Glyph) -> Glyph | None:
        return (character, "") if under[0] in {" ", self.water} else None

    def swatch(self, step: int) -> Glyph:
        return self.characters[step] * 2, self.style

    def faded(self) -> Ink:
        return replace(self, style="dim")


# matplotlib's magma without its darkest part, which the ground would swallow.
FULL = ColourInk(
    colours=("#5b2a86", "#952c80", "#d3436e", "#f8765c", "#febb81", "#fcfdbf"),
    ground="#1a1d21",
    water="#10222f",
    lettering="#e6ebf0",
    quiet_lettering="#8d97a0",
    faded_colours=("#3a3d41", "#55585c", "#707377", "#8b8e92", "#a6a9ad", "#c1c4c8"),
)
# The nearest of the 256, chosen by hand: by distance alone two of the steps would fall on one, and the water be blue.
INDEXED = ColourInk(
    colours=tuple(f"color({number})" for number in (91, 162, 168, 209, 216, 230)),
    ground="color(232)",
    water="color(234)",
    lettering="color(255)",
    quiet_lettering="color(246)",
    faded_colours=tuple(f"color({number})" for number in (238, 240, 242, 245, 248, 251)),
)
SIXTEEN = ColourInk(
    colours=("blue", "magenta", "red", "yellow", "bright_white"),
    ground="black",
    water="black",
    lettering="bright_white",
    quiet_lettering="white",
    faded_colours=("bright_black", "bright_black", "white", "white", "bright_white"),
)
SHADES = CharacterInk("░▒▓█")
ASCII = CharacterInk(".:+*#@", water="~")


def ink_for(console: Console) -> Ink:
    """The richest ink that a terminal shows, NO_COLOR and its encoding respected."""
    if console.options.ascii_only:
        return ASCII
    if console.no_color or console.color_system is None:
        return SHADES
    return {"truecolor": FULL, "256": INDEXED}.get(console.color_system, SIXTEEN)


def spelled(text: str, *, is_ascii: bool) -> str:
    """A name as a terminal can show it: without its accents where there is only ASCII."""
    return normalize("NFKD", text).encode("ascii", "ignore").decode() if is_ascii else text
