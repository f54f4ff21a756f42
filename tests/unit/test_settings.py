"""The environment that the code reads and the one that the template gives are the same."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters import settings
from heatmap.errors import Misconfigured

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "functions"
READERS = {("adapters.settings", "text"), ("adapters.settings", "number")}
DECLARED = set(re.findall(r'(?:text|number)\("([A-Z_]+)"', (FUNCTIONS / "adapters/settings.py").read_text()))
# Read by Powertools itself.
OF_LIBRARIES = {
    "LOG_LEVEL",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOGGER_SAMPLE_RATE",
}


class Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, which are passed over."""


Template.add_multi_constructor("!", lambda _loader, _suffix, node: node.value)


def environment(properties: dict[str, Any]) -> set[str]:
    return set(properties.get("Environment", {}).get("Variables", {}))


def given() -> dict[str, set[str]]:
    """The variables that each function gets, by the folder of its handler."""
    template = yaml.load((ROOT / "template.yaml").read_text(), Template)  # noqa: S506 - a safe loader's subclass
    shared = environment(template["Globals"]["Function"])
    functions = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    return {each["Handler"].partition(".")[0]: environment(each) | shared for each in functions}


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse((FUNCTIONS / (module.replace(".", "/") + ".py")).read_text())


def is_module(name: str) -> bool:
    return (FUNCTIONS / (name.replace(".", "/") + ".py")).exists()


@cache
def definitions(module: str) -> dict[str, ast.AST]:
    """A module's functions by name, its methods by `Class.method`, and constructors also by `Class`."""
    found: dict[str, ast.AST] = {}
    for node in parsed(module).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
            found |= {f"{node.name}.{name}": method for name, method in methods.items()}
            if "__init__" in methods:
                found[node.name] = methods["__init__"]
    return found


@cache
def imported(module: str) -> dict[str, str]:
    """What the names that a module imports stand for: `adapters.settings`, `adapters.queues.Queue`."""
    imports = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.ImportFrom)]
    return {each.asname or each.name: f"{node.module}.{each.name}" for node in imports for each in node.names}


def meant(module: str, expression: ast.AST) -> tuple[str, str] | None:
    """The module and the name of the definition of ours that an expression as `settings.text` names."""
    match expression:
        case ast.Name(id=first):
            rest = ""
        case ast.Attribute(value=ast.Name(id=first), attr=rest):
            pass
        case _:
            return None
    whole = f"{imported(module).get(first, f'{module}.{first}')}.{rest}".rstrip(".")
    # A function of a module, or a method of a class in one.
    owner = whole.rpartition(".")[0]
    homes = [home for home in (owner, owner.rpartition(".")[0]) if is_module(home)]
    if not homes or (name := whole.removeprefix(f"{homes[0]}.")) not in definitions(homes[0]):
        return None
    return homes[0], name


def asked_for(module: str, code: ast.AST, seen: set[tuple[str, str]]) -> set[str]:
    """The variables that a piece of a module's code asks for, itself or by what it names."""
    found: set[str] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and meant(module, node.func) in READERS:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    found.add(name)
        definition = meant(module, node)
        if definition and definition not in seen:
            seen.add(definition)
            home, name = definition
            found |= asked_for(home, definitions(home)[name], seen)
    return found


def read(folder: str) -> set[str]:
    """The variables that a function's own code asks for, and the adapters that it uses."""
    modules = [f"{folder}.{path.stem}" for path in (FUNCTIONS / folder).glob("*.py")]
    return set().union(*(asked_for(module, parsed(module), set()) for module in modules))


def test_every_variable_that_is_declared_is_given_to_somebody():
    assert DECLARED == set().union(*given().values()) - OF_LIBRARIES


@pytest.mark.parametrize("folder", sorted(given()))
def test_a_function_gets_what_it_reads_and_no_more(folder: str):
    assert read(folder) == given()[folder] - OF_LIBRARIES


def test_every_handler_is_in_the_template():
    assert {path.parent.name for path in FUNCTIONS.glob("*/app.py")} == set(given())


def test_a_missing_variable_is_named():
    with pytest.raises(Misconfigured, match="NO_SUCH_VARIABLE: expected a value in the function's environment"):
        settings.text("NO_SUCH_VARIABLE")


@pytest.mark.parametrize("value", ["", "5,6,x", "2", "10", "5;6"])
def test_precisions_that_cannot_be_counted_are_refused(value: str):
    with pytest.raises(Misconfigured, match="PRECISIONS: expected numbers from 3 to 9"):
        settings.precisions(value)


def test_precisions_are_ascending_whatever_order_they_are_given_in():
    assert (5, 6, 7) == settings.precisions("7, 5,6,6")


@pytest.mark.parametrize("value", ["0", "61", "three", "3.5", "-3"])
def test_a_number_out_of_bounds_is_refused(value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TICK_SECONDS", value)

    with pytest.raises(Misconfigured, match="TICK_SECONDS: expected a whole number from 1 to 60"):
        settings.BroadcastSettings.from_env()


@pytest.mark.parametrize(
    "url", ["http://keys.example.com/jwks", "file:///etc/keys", "ftp://127.0.0.1/keys", "https:", "x"]
)
def test_keys_are_fetched_only_where_nobody_can_change_them_on_their_way(url: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("TOKEN_SECRET_ARN", "TOKEN_ISSUER", "TOKEN_AUDIENCE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("JWKS_URL", url)

    with pytest.raises(Misconfigured, match="JWKS_URL: expected an https:// URL, or none"):
        settings.TokenSettings.from_env()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("wss://a1.execute-api.us-east-1.amazonaws.com", "https://a1.execute-api.us-east-1.amazonaws.com/live"),
        ("ws://127.0.0.1:4510/a1", "http://127.0.0.1:4510/a1/live"),
    ],
)
def test_messages_are_posted_where_sockets_are_opened(endpoint: str, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEBSOCKET_API_ENDPOINT", endpoint)
    monkeypatch.setenv("WEBSOCKET_STAGE", "live")

    assert url == settings.management_url()
