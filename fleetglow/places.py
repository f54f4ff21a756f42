"""Cities and boxes as they are named on the command line."""

from fleetglow.errors import BadInput
from heatmap.cells import BBox, bbox_from
from heatmap.cities import City, cities
from heatmap.errors import InvalidInput


def named_city(name: str) -> City:
    """The city or region of that name; raises BadInput with the names that there are."""
    try:
        return cities().get(name)
    except InvalidInput as error:
        raise BadInput(f"--{error}") from error


def box(text: str) -> BBox:
    """A box from `south,west,north,east` in degrees; raises BadInput."""
    try:
        return bbox_from([float(value) for value in text.split(",")])
    except InvalidInput as error:
        raise BadInput(f"--{error}") from error
    except ValueError as error:
        raise BadInput(f"--bbox: expected south,west,north,east in degrees, got {text!r}") from error
