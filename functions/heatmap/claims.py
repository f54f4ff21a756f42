"""The claims of a token: checked, and made into who the bearer is.

| Claim | |
| --- | --- |
| `iss`, `aud` | the issuer and the audience that are expected; `aud` may be a list that holds it |
| `exp` | until when, required |
| `nbf`, `iat` | not before; issued at, which may not be in the future |
| `sub` | whom it names, required: 1 to 255 printable characters |
| `scope` | scopes with spaces between them; words that are none of ours are passed over |
| `drivers` | a list of driver ids, or of prefixes that end in `*`: for whom they may ping beside `sub` |
| `cities` | a list of cities in the same way: where they may read and ping; everywhere without it |
| `fleetglow_plan` | the usage plan that their REST calls count for: 1 to 32 small letters, digits and hyphens |

Times are seconds since 1970. What is said of a claim that is refused never holds anything of the token.
"""

import re
from typing import Any

import msgspec

from heatmap.access import ALL, DEFAULT_PLAN, EXPIRED, Names, Principal, words
from heatmap.errors import Expired, NotAllowed

# Between clocks that are kept by NTP; a token is honoured for so long after its end.
LEEWAY_S = 5
# OpenID Connect Core, section 2: "MUST NOT exceed 255 ASCII characters in length".
MAX_SUBJECT_CHARACTERS = 255
MAX_NAME_CHARACTERS = 128
# The year 5138: what is beyond it has been written in milliseconds.
_LAST_SECOND = 100_000_000_000
_NAME = re.compile(rf"[^{{}}:\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_NAME_CHARACTERS}}}\Z")

_PLAN = re.compile(r"[a-z0-9-]{1,32}\Z")


class Expected(msgspec.Struct, frozen=True):
    """Whose tokens are taken, and for whom they have to be meant."""

    issuer: str
    audience: str


def bearer(claims: object, expected: Expected, now: float) -> Principal:
    """Who a token with these claims was issued to.

    Args:
        claims: the decoded payload of a token whose signature is good.
        now: UTC seconds.

    Raises:
        Expired: they are ours, and were good.
        NotAllowed: they are malformed, not ours or of a time to come; the message names the claim.
    """
    if not isinstance(claims, dict):
        raise _refused("its claims to be an object")
    if claims.get("iss") != expected.issuer:
        raise _refused("iss to be the expected issuer")
    audience = claims.get("aud")
    if expected.audience not in (audience if isinstance(audience, list) else [audience]):
        raise _refused("aud to be or to hold the expected audience")
    expires = _second(claims, "exp")
    if expires is None:
        raise _refused("exp")
    for name in ("nbf", "iat"):
        begins = _second(claims, name)
        if begins is not None and now < begins - LEEWAY_S:
            raise _refused(f"{name} not to lie ahead")
    found = Principal(
        subject=_subject(claims.get("sub")),
        scopes=_scopes(claims.get("scope", "")),
        expires_at=int((expires + LEEWAY_S) * 1000),
        drivers=_names(claims, "drivers", default=Names()),
        cities=_names(claims, "cities", default=Names.of([ALL])),
        plan=_plan(claims.get("fleetglow_plan", DEFAULT_PLAN)),
    )
    # Last: of a token that never was any good nothing is told.
    if now >= expires + LEEWAY_S:
        raise Expired(EXPIRED)
    return found


def _second(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Infinity, NaN and whole numbers that no float can hold are refused as well.
    if not is_number or not 0 <= value < _LAST_SECOND:
        raise _refused(f"{name} to be seconds since 1970")
    return float(value)


def _subject(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT_CHARACTERS or not value.isprintable():
        raise _refused(f"sub to be 1 to {MAX_SUBJECT_CHARACTERS} printable characters")
    return value


def _scopes(value: object) -> frozenset[str]:
    if not isinstance(value, str):
        raise _refused("scope to be text")
    return frozenset(words(value))


def _plan(value: object) -> str:
    if not isinstance(value, str) or not _PLAN.match(value):
        raise _refused("fleetglow_plan to be 1 to 32 small letters, digits and hyphens")
    return value


def _names(claims: dict[str, Any], claim: str, default: Names) -> Names:
    entries = claims.get(claim)
    if entries is None:
        return default
    if entries == ALL:
        entries = [ALL]
    if not isinstance(entries, list) or not all(isinstance(each, str) and _NAME.match(each) for each in entries):
        raise _refused(f"{claim} to be a list of names or of prefixes that end in {ALL}")
    return Names.of(entries)


def _refused(expected: str) -> NotAllowed:
    return NotAllowed(f"token: expected {expected}")
