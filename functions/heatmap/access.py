"""Who a caller is and what they may do, as the authorizer found it in their token."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import msgspec

from heatmap.errors import Expired, NotAllowed, shown

PINGS_WRITE = "pings:write"
HEATMAP_READ = "heatmap:read"
DRIVERS_READ = "drivers:read"
ORDERS_READ = "orders:read"
DISPATCH_WRITE = "dispatch:write"
# All of the others.
ADMIN = "admin"
SCOPES = (PINGS_WRITE, HEATMAP_READ, DRIVERS_READ, ORDERS_READ, DISPATCH_WRITE, ADMIN)

ALL = "*"

# The usage plan of whoever has none of their own.
DEFAULT_PLAN = "default"

# What is said of a token that is over, whoever notices.
EXPIRED = "token: expected one that is still valid, got one that has expired"


class Names(msgspec.Struct, frozen=True):
    """A set of names: those listed, and those that begin with one of the prefixes; the empty prefix is all there are.

    As text they stand in a row, a prefix with a `*` at its end, with spaces between them, which no name has.
    """

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Self:
        """The names that entries such as `van-7` and `van-*` stand for."""
        exact, prefixes = set(), set()
        for entry in entries:
            if entry.endswith(ALL):
                prefixes.add(entry.removesuffix(ALL))
            else:
                exact.add(entry)
        return cls(frozenset(exact), tuple(sorted(prefixes)))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.exact or name.startswith(self.prefixes))

    def __str__(self) -> str:
        return " ".join([*sorted(self.exact), *(prefix + ALL for prefix in self.prefixes)])

    @property
    def are_all(self) -> bool:
        """Whether there is no other name."""
        return "" in self.prefixes


class Principal(msgspec.Struct, frozen=True):
    """The bearer of a valid token.

    Attributes:
        subject: who it was issued to; for a driver's token the driver's id.
        scopes: what it allows.
        expires_at: until when, UTC milliseconds.
        drivers: for whom it may ping beside itself.
        cities: where it may read and ping.
        plan: the usage plan that its REST calls count for; only the authorizer knows it.
    """

    subject: str
    scopes: frozenset[str]
    expires_at: int
    drivers: Names
    cities: Names
    plan: str = DEFAULT_PLAN

    def require_current(self, now: int) -> None:
        """Raise Expired if the token is over."""
        if now >= self.expires_at:
            raise Expired(EXPIRED)

    def require(self, scope: str) -> None:
        """Raise NotAllowed unless the token allows it."""
        if scope not in self.scopes and ADMIN not in self.scopes:
            raise NotAllowed(f"scope: expected {scope}, got {' '.join(sorted(self.scopes)) or 'none'}")

    def require_driver(self, driver_id: str) -> None:
        """Raise NotAllowed unless the token is the driver's own or names the driver."""
        if driver_id != self.subject and driver_id not in self.drivers:
            raise NotAllowed(f"driver_id: expected one that the token may ping for, got {shown(driver_id)}")

    def require_city(self, city: str) -> None:
        """Raise NotAllowed unless the token is good for this city or region."""
        if city not in self.cities:
            raise NotAllowed(f"city: expected one that the token is good for, got {shown(city)}")

    @property
    def may_ping_for_all(self) -> bool:
        """Whether there is nothing to look at in a ping of theirs."""
        return self.drivers.are_all and self.cities.are_all


def words(text: str) -> list[str]:
    """What stands between the spaces of a text; a bare `split()` takes many other characters for spaces."""
    return [word for word in text.split(" ") if word]


def context(principal: Principal) -> dict[str, str]:
    """What the authorizer passes on: API Gateway takes flat text only."""
    return {
        "sub": principal.subject,
        "scope": " ".join(sorted(principal.scopes)),
        "expires_at": str(principal.expires_at),
        "drivers": str(principal.drivers),
        "cities": str(principal.cities),
    }


def principal(authorizer: Mapping[str, Any]) -> Principal:
    """The caller of a request, from its authorizer context; what that does not say is not allowed."""
    return Principal(
        subject=str(authorizer.get("sub", "")),
        scopes=frozenset(words(str(authorizer.get("scope", "")))),
        expires_at=int(authorizer.get("expires_at", 0)),
        drivers=Names.of(words(str(authorizer.get("drivers", "")))),
        cities=Names.of(words(str(authorizer.get("cities", "")))),
    )
