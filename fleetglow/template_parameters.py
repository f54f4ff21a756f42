"""The parameters of the template as they are given on the command line, checked before anything starts.

CloudFormation checks them as well, but late: a stack that fails over one has to be rolled back.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from math import inf
from pathlib import Path

import msgspec
import yaml  # type: ignore[import-untyped]

from fleetglow.errors import BadInput
from fleetglow.instance import PROJECT_ROOT

TEMPLATE = PROJECT_ROOT / "template.yaml"
OPTION = "--parameter"
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


class Rules(msgspec.Struct, frozen=True, rename="pascal"):
    """What a template says of a parameter: the keys of CloudFormation that ours has.

    Attributes:
        constraint_description: what is expected, in words; else the rule that is not met says it.
    """

    type: str
    constraint_description: str | None = None
    allowed_values: list[str | int | float] = []
    allowed_pattern: str | None = None
    min_length: int = 0
    max_length: float = inf
    min_value: float = -inf
    max_value: float = inf


def checked(given: Iterable[str], template: Path = TEMPLATE) -> dict[str, str]:
    """The values by name of parameters that are given as NAME=VALUE.

    Raises:
        BadInput: the template has no such parameter, or does not take the value; or one is given twice.
    """
    pairs = [_pair(each) for each in given]
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise BadInput(f"{OPTION} {name}: expected one value, got {times}")
    # Reading the template takes a tenth of a second or more.
    rules = rules_of(template) if pairs else {}
    for name, value in pairs:
        if name not in rules:
            raise BadInput(f"{OPTION}: expected {_nearest(name, rules)}, got {name!r}")
        if unmet := _unmet(rules[name], value):
            expected = rules[name].constraint_description or unmet
            raise BadInput(f"{OPTION} {name}: expected {expected}, got {value!r}")
    return dict(pairs)


def rules_of(template: Path) -> dict[str, Rules]:
    """What a template says of each of its parameters."""
    loader = yaml.SafeLoader(template.read_text())
    try:
        # Only this part is read: the rest has short forms of functions, as !Ref, which plain YAML does not know.
        [parameters] = [value for key, value in loader.get_single_node().value if key.value == "Parameters"]
        return msgspec.convert(loader.construct_mapping(parameters, deep=True), dict[str, Rules])
    finally:
        loader.dispose()


def _pair(given: str) -> tuple[str, str]:
    name, is_assigned, value = given.partition("=")
    if not name or not is_assigned:
        raise BadInput(f"{OPTION}: expected NAME=VALUE, got {given!r}")
    return name, value


def _nearest(name: str, rules: Mapping[str, Rules]) -> str:
    by_lower = {known.lower(): known for known in rules}
    if near := get_close_matches(name.lower(), by_lower, n=1):
        return f"a parameter of the template, perhaps {by_lower[near[0]]}"
    return f"one of {', '.join(sorted(rules))}"


def _unmet(rules: Rules, value: str) -> str | None:
    """What the template expects instead of a value; None if it takes it."""
    if rules.allowed_values and value not in map(str, rules.allowed_values):
        return f"one of {', '.join(map(str, rules.allowed_values))}"
    if rules.type == "Number" and not _is_number(rules, value):
        return f"a number{_between(rules.min_value, rules.max_value)}"
    if rules.allowed_pattern is not None and not re.fullmatch(rules.allowed_pattern, value):
        return f"what matches {rules.allowed_pattern}"
    if not rules.min_length <= len(value) <= rules.max_length:
        return f"a number of characters{_between(rules.min_length, rules.max_length)}"
    return None


def _is_number(rules: Rules, value: str) -> bool:
    return bool(_NUMBER.fullmatch(value)) and rules.min_value <= float(value) <= rules.max_value


def _between(least: float, most: float) -> str:
    """The bounds in words; nothing if there are none."""
    if most == inf:
        return "" if least == -inf else f" of at least {least:,.10g}"
    return f" of at most {most:,.10g}" if least == -inf else f" from {least:,.10g} to {most:,.10g}"
