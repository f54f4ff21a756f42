"""What `fleetglow watch` tells beside the frames, each line of which begins with its moment."""

import re

_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", re.MULTILINE)


def without_moments(text: str) -> str:
    """The lines without the moments with which they begin."""
    return _MOMENT.sub("", text)
