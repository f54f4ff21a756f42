"""What `docs/openapi.yaml` describes: the answers of the REST API."""

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

type Json = dict[str, Any]

DOCUMENT: Json = yaml.safe_load((Path(__file__).parents[1] / "docs/openapi.yaml").read_text())
URI = "urn:openapi"
REGISTRY: Registry[Any] = Registry().with_resource(URI, Resource(DOCUMENT, DRAFT202012))


def resolved(node: Json) -> Json:
    """What a reference leads to; anything else is itself."""
    while "$ref" in node:
        node = REGISTRY.resolver(URI).lookup(node["$ref"]).contents
    return node


def operations() -> dict[tuple[str, str], Json]:
    """Every operation by method and path."""
    return {
        (method.upper(), path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def problems(method: str, path: str, status: int, answer: object) -> list[str]:
    """What is wrong with an answer by its description; an undescribed status is all that is said of it."""
    responses = operations()[method, path]["responses"]
    if str(status) not in responses:
        return [f"{method} {path}: {status} is not described"]
    pointer = "/".join(_escaped(part) for part in ("paths", path, method.lower(), "responses", str(status)))
    response = responses[str(status)]
    base = response.get("$ref", f"#/{pointer}")
    schema = {"$ref": f"{URI}{base}/content/{_escaped('application/json')}/schema"}
    found = Draft202012Validator(schema, registry=REGISTRY).iter_errors(answer)
    return [f"{method} {path} {status}: {error.json_path} {error.message}" for error in found]


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
