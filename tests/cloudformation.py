"""The stack's templates as data: short forms of functions (`!Ref X`) stand as their long ones ({"Ref": "X"})."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
MAIN = ROOT / "template.yaml"
FILES = [MAIN, *sorted((ROOT / "infra").glob("*.yaml"))]

type Json = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", maxsplit=1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def load(path: Path = MAIN) -> Json:
    """A template."""
    document: Json = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader's subclass
    return document


def resources(*types: str, path: Path = MAIN) -> dict[str, Json]:
    """The resources of these types in a template, by name."""
    return {name: each for name, each in load(path)["Resources"].items() if each["Type"] in types}


def all_resources(*types: str) -> dict[str, Json]:
    """The resources of these types in all templates, by name."""
    return {name: each for path in FILES for name, each in resources(*types, path=path).items()}


def values(node: Any) -> Iterator[Any]:
    """A node of a template and all nodes below it."""
    yield node
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for each in below:
        yield from values(each)


def references(node: Any) -> set[str]:
    """The parameters and resources that a node refers to."""
    found: set[str] = set()
    for each in values(node):
        if isinstance(each, dict) and len(each) == 1:
            [(function, argument)] = each.items()
            if function == "Ref":
                found.add(argument)
            elif function == "Fn::GetAtt":
                found.add(argument[0])
            elif function == "Fn::Sub":
                text = argument if isinstance(argument, str) else argument[0]
                found |= {part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:]}
            elif function == "Condition":
                found.add(argument)
    return found
