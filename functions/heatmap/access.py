"""Who a caller is, as the authorizer found."""

from collections.abc import Mapping
from typing import Any

import msgspec

from heatmap.errors import NotAllowed

PINGS_WRITE = "pings:write"
HEATMAP_READ = "heatmap:read"


class Principal(msgspec.Struct, frozen=True):
    """The bearer of a valid token.

    Attributes:
        subject: who it was issued to.
        scopes: what it allows.
        expires_at: UTC milliseconds.
    """

    subject: str
    scopes: frozenset[str]
    expires_at: int

    def require(self, scope: str) -> None:
        """Raise NotAllowed unless the token allows it."""
        if scope not in self.scopes:
            raise NotAllowed(f"scope: expected {scope}, got {' '.join(sorted(self.scopes)) or 'none'}")


def context(principal: Principal) -> dict[str, str]:
    """What the authorizer passes on: API Gateway takes flat text only."""
    return {
        "sub": principal.subject,
        "scope": " ".join(sorted(principal.scopes)),
        "expires_at": str(principal.expires_at),
    }


def principal(authorizer: Mapping[str, Any]) -> Principal:
    """The caller of a request, from its authorizer context."""
    return Principal(
        subject=str(authorizer.get("sub", "")),
        scopes=frozenset(str(authorizer.get("scope", "")).split()),
        expires_at=int(authorizer.get("expires_at", 0)),
    )
