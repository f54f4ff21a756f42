"""Options that several commands have."""

from fleetglow.errors import BadInput


def paired_options(first: str, one: str | None, second: str, other: str | None) -> tuple[str, str] | None:
    """Two options that only make sense together; None if neither is given.

    Raises:
        BadInput: one of them is missing.
    """
    if one and other:
        return one, other
    if one or other:
        given, missing = (first, second) if one else (second, first)
        raise BadInput(f"{missing}: expected together with {given}, got nothing")
    return None
