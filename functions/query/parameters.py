"""Query strings, validated."""

from collections.abc import Mapping

from heatmap.cells import BBox, bbox_from
from heatmap.errors import InvalidInput

# At which every city fits into an answer.
DEFAULT_PRECISION = 7


def precision(parameters: Mapping[str, str], offered: tuple[int, ...]) -> int:
    """The wanted precision.

    Raises:
        InvalidInput: it is not a number.
    """
    text = parameters.get("precision", str(min(DEFAULT_PRECISION, offered[-1])))
    if not (text.isascii() and text.isdecimal() and len(text) < 3):
        raise InvalidInput("precision", "a number", text, code="unknown_precision")
    return int(text)


def bbox(parameters: Mapping[str, str]) -> BBox | None:
    """The wanted box, `south,west,north,east`; none by default.

    Raises:
        InvalidInput: it is not a box.
    """
    text = parameters.get("bbox")
    if text is None:
        return None
    try:
        return bbox_from([float(part) for part in text.split(",")])
    except ValueError as error:
        raise InvalidInput("bbox", "four numbers south,west,north,east in degrees", text) from error
