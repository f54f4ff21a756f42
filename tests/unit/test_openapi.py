"""`docs/openapi.yaml` says what the REST API is: its routes, what a token has to allow, its answers, its limits."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cloudformation import resources
from described_rest import DOCUMENT, REGISTRY, URI, Json, operations, problems, resolved
from heatmap.access import SCOPES
from heatmap.cities import cities
from heatmap.pings import MAX_ID_CHARACTERS, MAX_PINGS, parse

ROOT = Path(__file__).parents[2]
AUTH = (ROOT / "docs/auth.md").read_text()
OPERATIONS = operations()
SCHEMAS: Json = DOCUMENT["components"]["schemas"]
# Answers are given in every way in which an operation can end.
ALWAYS = {"429", "500", "504"}
_SOCKET_ONLY = re.compile("subscription|action|field|encoding")


def routes() -> Iterator[tuple[str, str, bool]]:
    """Method, path and whether it takes a token, of each route of the template."""
    for function in resources("AWS::Serverless::Function").values():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "Api":
                told = event["Properties"]
                takes_token = told.get("Auth", {}).get("Authorizer") != "NONE"
                yield told["Method"].upper(), told["Path"], takes_token


def nodes(node: object) -> Iterator[Json]:
    """Every object in the document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def examples() -> Iterator[tuple[str, str, str, str, Any]]:
    """Method, path, status, name and value of each example of an answer."""
    for (method, path), operation in OPERATIONS.items():
        for status, response in operation["responses"].items():
            for name, example in resolved(response)["content"]["application/json"].get("examples", {}).items():
                yield method, path, status, name, example["value"]


def test_it_is_openapi_3_1():
    assert "3.1.0" == DOCUMENT["openapi"]
    assert {"openapi", "info", "servers", "security", "paths", "components"} == DOCUMENT.keys()


def test_every_reference_leads_somewhere_and_nothing_is_there_for_nothing():
    used = {node["$ref"] for node in nodes(DOCUMENT) if isinstance(node.get("$ref"), str)}
    for reference in used:
        assert REGISTRY.resolver(URI).lookup(reference).contents, reference

    parts = {
        f"#/components/{kind}/{name}"
        for kind, named in DOCUMENT["components"].items()
        for name in named
        if kind != "securitySchemes"
    }
    assert parts == used


def test_every_schema_is_one():
    for schema in [node["schema"] for node in nodes(DOCUMENT) if "schema" in node] + list(SCHEMAS.values()):
        Draft202012Validator.check_schema(schema)


def test_the_routes_are_those_of_the_template():
    assert {(method, path) for method, path, _ in routes()} == set(OPERATIONS)


def test_what_takes_a_token_in_the_template_takes_one_here():
    for method, path, takes_token in routes():
        assert takes_token == bool(OPERATIONS[method, path]["security"]), path


def test_the_scopes_are_those_of_the_page():
    table = AUTH.split("## What each route takes")[1]
    rows = re.findall(r"^\| `([A-Z]+) (/[\w/{}]+)` \| (?:`([a-z:]+)`|no token) \|", table, re.MULTILINE)
    told = {(method, path): [{"token": [scope]}] if scope else [] for method, path, scope in rows}

    assert told == {route: operation["security"] for route, operation in OPERATIONS.items()}


def test_the_page_has_every_scope():
    table = AUTH.split("| Scope | Allows |")[1].partition("\n\n")[0]

    assert list(SCOPES) == re.findall(r"^\| `([a-z:]+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_tells_how_it_fails(method: str, path: str):
    told = OPERATIONS[method, path]["responses"].keys()

    assert ALWAYS < told
    if OPERATIONS[method, path]["security"]:
        assert {"401", "403"} < told


@pytest.mark.parametrize(
    ("method", "path", "status", "name", "value"),
    list(examples()),
    ids=[f"{path} {status} {name}" for _, path, status, name, _ in examples()],
)
def test_an_example_is_as_it_is_described(method: str, path: str, status: str, name: str, value: object):
    assert [] == problems(method, path, int(status), value)


@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("POST", "/pings", 202, {"accepted": 1}),
        ("POST", "/pings", 202, {"accepted": 1, "rejected": [{"index": 0, "code": "luck", "message": "x"}]}),
        ("POST", "/pings", 418, {}),
        ("GET", "/heatmap", 403, {"code": "luck", "message": "x"}),
        ("GET", "/heatmap", 401, {}),
        ("GET", "/cities", 200, {"cities": [{"name": "lagos"}]}),
        ("GET", "/health", 200, {"status": "fine"}),
    ],
)
def test_what_is_not_described_is_found_out(method: str, path: str, status: int, answer: object):
    assert problems(method, path, status, answer)


def test_the_pings_of_the_examples_are_ones_that_the_application_takes():
    body = OPERATIONS["POST", "/pings"]["requestBody"]["content"]["application/json"]

    for example in body["examples"].values():
        assert [] == parse(json.dumps(example["value"]).encode(), 1_769_860_800_000, cities()).rejected


def test_the_limits_are_those_of_the_application():
    assert MAX_PINGS == SCHEMAS["pings"]["properties"]["pings"]["maxItems"]
    assert MAX_ID_CHARACTERS == SCHEMAS["name"]["maxLength"]


def test_the_error_codes_are_some_of_the_live_protocols():
    # Which a test of its own compares with the code; REST has no subscriptions, actions and encodings.
    asyncapi = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())
    of_both = {code for code in asyncapi["components"]["schemas"]["code"]["enum"] if not _SOCKET_ONLY.search(code)}

    assert sorted(of_both) == SCHEMAS["code"]["enum"]
