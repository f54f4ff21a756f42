"""What may be asked of a token: what the authorizer would refuse is refused here, and so are names that are none."""

from collections.abc import Iterable, Sequence

from fleetglow.errors import BadInput
from heatmap.access import ALL, SCOPES
from heatmap.cells import ALPHABET
from heatmap.cities import REGION_CHARACTERS, cities
from heatmap.claims import MAX_NAME_CHARACTERS, MAX_SUBJECT_CHARACTERS
from heatmap.errors import InvalidInput
from heatmap.pings import FORBIDDEN_IN_IDS

# A token cannot be called back.
LONGEST_TTL_S = 366 * 24 * 3600


def require_scope(scope: str) -> None:
    """Raises BadInput unless it is scopes that there are, at least one."""
    words = scope.split()
    if not words or set(words) - set(SCOPES):
        unknown = ", ".join(sorted(set(words) - set(SCOPES))) or "none"
        raise BadInput(f"--scope: expected some of {', '.join(SCOPES)}, got {unknown}")


def require_ttl(ttl_s: int) -> None:
    """Raises BadInput unless it is a time that a token may live."""
    if not 1 <= ttl_s <= LONGEST_TTL_S:
        days = LONGEST_TTL_S // 86_400
        raise BadInput(f"--ttl: expected 1 to {LONGEST_TTL_S} seconds, which are {days} days, got {ttl_s}")


def require_sub(sub: str) -> None:
    """Raises BadInput unless somebody may be named so."""
    if not 0 < len(sub) <= MAX_SUBJECT_CHARACTERS or not sub.isprintable():
        raise BadInput(f"--sub: expected 1 to {MAX_SUBJECT_CHARACTERS} printable characters, got {_shown(sub)}")


def require_drivers(names: Iterable[str]) -> None:
    """Raises BadInput unless drivers may be named so, by their ids or prefixes of them."""
    for name in names:
        if len(name) > MAX_NAME_CHARACTERS or FORBIDDEN_IN_IDS.search(name):
            expected = (
                f"ids of at most {MAX_NAME_CHARACTERS} characters without {{, }} and :, or prefixes ending in {ALL}"
            )
            raise BadInput(f"--drivers: expected {expected}, got {_shown(name)}")


def require_cities(names: Sequence[str]) -> None:
    """Raises BadInput unless each is a city or region, or a prefix of one."""
    for name in names:
        if not _stands_for_some(name):
            known = ", ".join(cities().named)
            expected = f"some of {known}, 3-character geohashes, or prefixes of these ending in {ALL}"
            raise BadInput(f"--cities: expected {expected}, got {_shown(name)}")


def _stands_for_some(name: str) -> bool:
    prefix = name.removesuffix(ALL)
    if prefix == name:
        try:
            cities().get(name)
        except InvalidInput:
            return False
        return True
    is_region = len(prefix) <= REGION_CHARACTERS and set(prefix) <= set(ALPHABET)
    return is_region or any(city.startswith(prefix) for city in cities().named)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
