"""Deployments: what the routes of an API were at a moment, and which of them a stage serves."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localstack_dockerless.websocket.compiler import Snapshot


@dataclass(frozen=True, slots=True)
class Deployment:
    id: str
    created: datetime
    snapshot: Snapshot
    description: str

    def to_response(self) -> dict[str, Any]:
        return {
            "DeploymentId": self.id,
            "DeploymentStatus": "DEPLOYED",
            "CreatedDate": self.created,
            "Description": self.description,
            "AutoDeployed": False,
        }


@dataclass(slots=True)
class Deployments:
    """Those of one API; `of_stage` says which one a stage serves."""

    by_id: dict[str, Deployment] = field(default_factory=dict)
    of_stage: dict[str, str] = field(default_factory=dict)
