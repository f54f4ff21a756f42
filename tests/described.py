"""What `docs/asyncapi.yaml` describes: which message of the live protocol a text is."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

type Json = dict[str, Any]

DOCUMENT: Json = yaml.safe_load((Path(__file__).parents[1] / "docs/asyncapi.yaml").read_text())
MESSAGES: dict[str, Json] = DOCUMENT["components"]["messages"]
FROM_CLIENTS = {name for name, message in MESSAGES.items() if "type" not in message["payload"]["properties"]}
# API Gateway's has no type either.
FROM_CLIENTS -= {"gatewayError"}
FROM_SERVER = MESSAGES.keys() - FROM_CLIENTS

URI = "urn:asyncapi"
REGISTRY: Registry[Any] = Registry().with_resource(URI, Resource(DOCUMENT, DRAFT7))
_VALIDATORS = {
    name: Draft7Validator({"$ref": f"{URI}#/components/messages/{name}/payload"}, registry=REGISTRY)
    for name in MESSAGES
}


def kinds(message: object, of: Collection[str] = tuple(MESSAGES)) -> list[str]:
    """The messages that this is one of."""
    return sorted(name for name in of if _VALIDATORS[name].is_valid(message))


def from_server(*texts: str) -> list[str]:
    """Which message each text is; fails for one that is none, or one of several."""
    return _each(texts, FROM_SERVER)


def from_client(*texts: str) -> list[str]:
    """The same of what clients send."""
    return _each(texts, FROM_CLIENTS)


def _each(texts: tuple[str, ...], of: Collection[str]) -> list[str]:
    found = [kinds(json.loads(text), of) for text in texts]
    assert all(len(each) == 1 for each in found), list(zip(found, texts, strict=True))
    return [each[0] for each in found]
