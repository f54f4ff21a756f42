"""What the gateway has to know of a stage: its routes, where they lead, who guards them.

The control plane compiles this from the resources of the API and sends it to the gateway as JSON; both share these
types.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"


@dataclass(frozen=True, slots=True)
class LambdaTarget:
    function_arn: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class MockTarget:
    """Answers by itself, like an integration of the type MOCK."""

    status: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Authorizer:
    function_arn: str
    identity_sources: tuple[str, ...]
    simple_responses: bool


@dataclass(frozen=True, slots=True)
class Route:
    """`responds`: whether what the integration returns goes back to the client (it has a `$default` route response)."""

    target: LambdaTarget | MockTarget | None
    authorizer: Authorizer | None = None
    responds: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    api_id: str
    name: str
    account: str
    region: str
    selection_expression: str
    routes: Mapping[str, Route]
    variables: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Stage":
        return Stage(**{**data, "routes": {key: _route_from_json(route) for key, route in data["routes"].items()}})


def _route_from_json(data: Mapping[str, Any]) -> Route:
    target, authorizer = data["target"], data["authorizer"]
    if target is not None:
        target = LambdaTarget(**target) if "function_arn" in target else MockTarget(**target)
    if authorizer is not None:
        authorizer = Authorizer(**{**authorizer, "identity_sources": tuple(authorizer["identity_sources"])})
    return Route(target, authorizer, data["responds"])
