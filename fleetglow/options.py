"""Options that several commands have."""

from math import isfinite
from urllib.parse import urlsplit

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


def http_url(option: str, url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        BadInput: it is none of HTTP.
    """
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise BadInput(f"{option}: expected an http:// or https:// URL, got {url!r}")
    return url.rstrip("/")


def require_finite(option: str, value: float) -> None:
    """Raises BadInput for infinity, which is above every least value."""
    if not isfinite(value):
        raise BadInput(f"{option}: expected a number, got {value:g}")
