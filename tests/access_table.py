"""Which token gets which answer on which route: `docs/auth.md` as a table, for handlers and for the running stack."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from minting import BAD_TOKENS, a_token


class Call(NamedTuple):
    """A REST call."""

    method: str
    path: str
    query: Mapping[str, str] = MappingProxyType({})
    body: Any = None
    parameters: Mapping[str, str] = MappingProxyType({})

    @property
    def url(self) -> str:
        return self.path.format(**self.parameters) + (
            "?" + "&".join(f"{name}={value}" for name, value in self.query.items())
        ) * bool(self.query)


# A region in the sea, in which no other test counts drivers.
CITY = "s00"
PING = {"driver_id": "van-1", "lat": 1.0, "lon": 1.0}
ROUTES: dict[str, Call | dict[str, Any]] = {
    "POST /pings": Call("POST", "/pings", body={"pings": [PING]}),
    "GET /heatmap": Call("GET", "/heatmap", {"city": CITY, "precision": "5"}),
    "GET /stats": Call("GET", "/stats", {"city": CITY}),
    "GET /cities": Call("GET", "/cities"),
    "DELETE /drivers/{driver_id}": Call("DELETE", "/drivers/{driver_id}", parameters={"driver_id": "van-1"}),
    "GET /health": Call("GET", "/health"),
    "subscribe": {"action": "subscribe", "city": CITY, "precision": 5},
    "unsubscribe": {"action": "unsubscribe", "subscription": "lagos/7/s14hn-s14wm"},
    "hello": {"action": "hello"},
    "ping": {"action": "ping", "ping": PING},
    "pings": {"action": "pings", "pings": [PING]},
    "$default": {"action": "dance"},
}
REST = {name: call for name, call in ROUTES.items() if isinstance(call, Call)}
SOCKET = {name: message for name, message in ROUTES.items() if isinstance(message, dict)}

# What a valid token says, and its answers in the order of ROUTES: a status, or of a message `ack`, an error's code, or
# `refused` for an ack that takes no ping. Asking to unsubscribe from nothing, and for an unknown action, is let through
# to be told just that.
VALID: dict[str, tuple[dict[str, Any], str]] = {
    "all it takes": ({}, "202 200 200 200 403 200 ack unknown_subscription ack ack ack unknown_action"),
    "admin": ({"scope": "admin"}, "202 200 200 200 200 200 ack unknown_subscription ack ack ack unknown_action"),
    "no scope": (
        {"scope": ...},
        "403 403 403 403 403 200 forbidden unknown_subscription ack forbidden forbidden unknown_action",
    ),
    "other scopes": (
        {"scope": "openid drivers:read orders:read dispatch:write heatmap pings:*"},
        "403 403 403 403 403 200 forbidden unknown_subscription ack forbidden forbidden unknown_action",
    ),
    "for sending": (
        {"scope": "pings:write"},
        "202 403 403 403 403 200 forbidden unknown_subscription ack ack ack unknown_action",
    ),
    "for reading": (
        {"scope": "heatmap:read"},
        "403 200 200 200 403 200 ack unknown_subscription ack forbidden forbidden unknown_action",
    ),
    "the driver's own": (
        {"sub": "van-1", "drivers": ...},
        "202 200 200 200 403 200 ack unknown_subscription ack ack ack unknown_action",
    ),
    "another driver's": (
        {"sub": "van-2", "drivers": ...},
        "403 200 200 200 403 200 ack unknown_subscription ack refused refused unknown_action",
    ),
    "a gateway's of other drivers": (
        {"drivers": ["van-2", "van-1?", "truck-*"]},
        "403 200 200 200 403 200 ack unknown_subscription ack refused refused unknown_action",
    ),
    "a gateway's of its drivers": (
        {"drivers": ["van-*"]},
        "202 200 200 200 403 200 ack unknown_subscription ack ack ack unknown_action",
    ),
    "for the city": (
        {"cities": [CITY]},
        "202 200 200 200 403 200 ack unknown_subscription ack ack ack unknown_action",
    ),
    "for another city": (
        {"cities": ["london", "s1*"]},
        "403 403 403 200 403 200 forbidden unknown_subscription ack refused refused unknown_action",
    ),
    "for no city": (
        {"cities": []},
        "403 403 403 200 403 200 forbidden unknown_subscription ack refused refused unknown_action",
    ),
    "of an admin for other drivers": (
        {"scope": "admin", "drivers": ["van-2"]},
        "403 200 200 200 403 200 ack unknown_subscription ack refused refused unknown_action",
    ),
    "of an admin elsewhere": (
        {"scope": "admin", "cities": ["london"]},
        "403 403 403 200 403 200 forbidden unknown_subscription ack refused refused unknown_action",
    ),
}
# A token that was good when it was looked at, and is over now.
EXPIRED = "401 401 401 401 401 200 expired expired expired expired expired expired"
# Any other never gets as far: what stands for the socket is the handshake's status.
INVALID = "401 401 401 401 401 200"

TOKENS: dict[str, Callable[[str], str]] = {
    **{name: lambda secret, said=said: a_token(secret, **said) for name, (said, _) in VALID.items()},
    **BAD_TOKENS,
}
ANSWERS: dict[str, dict[str, str]] = {
    **{name: dict(zip(ROUTES, answers.split(), strict=True)) for name, (_, answers) in VALID.items()},
    **{name: dict(zip(REST, INVALID.split(), strict=True)) for name in BAD_TOKENS},
}


def shortened(answer: dict[str, Any]) -> str:
    """What the table says of a message's answer."""
    if answer["type"] == "error":
        return str(answer["code"])
    codes = [each["code"] for each in answer.get("rejected", [])]
    return "refused" if codes and not answer["accepted"] and set(codes) == {"forbidden"} else str(answer["type"])
