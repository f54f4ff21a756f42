"""Whoever follows docs/deploy.md finds everything that it names."""

import json
import re

from cloudformation import ROOT, all_resources, load
from fleetglow.command_line import COMMANDS

PAGE = (ROOT / "docs/deploy.md").read_text()
CODE = re.sub(r"\\\n\s*", "", "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)))
TEXT = re.sub(r"```sh\n.*?```", "", PAGE, flags=re.DOTALL)
TEMPLATE = load()
PARAMETERS, OUTPUTS = set(TEMPLATE["Parameters"]), set(TEMPLATE["Outputs"])


def found(pattern: str, text: str = PAGE) -> set[str]:
    names = set(re.findall(pattern, text))
    assert names, pattern
    return names


def test_every_parameter_that_is_given_there_exists():
    given = " ".join(re.findall(r"--parameter-overrides (.+)", CODE) + re.findall(r"`((?:\w+=\S+ ?)+)`", TEXT))

    assert set() == found(r"\b([A-Z]\w+)=", given) - PARAMETERS


def test_every_output_that_is_asked_for_exists():
    assert set() == found(r"\$\(output (\w+)\)") - OUTPUTS
    assert {"'$1'"} == found(r"OutputKey==([^]]+)")
    assert set() == found(r"outputs? `(\w+)`", TEXT) - OUTPUTS


def test_every_alarm_that_watches_over_a_deployment_exists():
    [names] = found(r"for name in (.+); do", CODE)

    assert set() == set(names.split()) - set(all_resources("AWS::CloudWatch::Alarm"))
    assert len(names.split()) <= 5


def test_every_name_of_ours_is_one_of_a_parameter_an_output_or_an_alarm():
    named = found(r"`([A-Z][a-z]+(?:[A-Z][a-z0-9]*)+)`", TEXT)

    assert set() == named - PARAMETERS - OUTPUTS - set(all_resources("AWS::CloudWatch::Alarm"))


def test_every_stage_and_command_and_file_exists():
    configuration = (ROOT / "samconfig.toml").read_text()
    scripts = json.loads((ROOT / "web/package.json").read_text())["scripts"]

    assert all(f"[{stage}.deploy.parameters]" in configuration for stage in found(r"--config-env (\w+)"))
    assert found(r"npm --prefix web run (\w+)") <= set(scripts)
    assert found(r"`fleetglow (\w+)`") <= {command.__name__ for command in COMMANDS}
    assert all((ROOT / path).is_file() for path in found(r"(scripts/[\w-]+)") | found(r"`(tests/[\w/]+\.py)`"))
    options = found(r"--(?:rest|websocket)-url|--output(?= web)")
    assert all(f'"{option}"' in (ROOT / "scripts/page-config").read_text() for option in options)


def test_the_functions_in_the_network_are_those_that_are_named():
    said = " ".join(PAGE.split()).partition("What needs the cache runs in the VPC: ")[2]
    inside, outside = (set(re.findall(r"`(\w+)`", each)) for each in said.split(". ")[:2])
    functions = {
        each["Properties"]["Handler"].partition(".")[0]: "VpcConfig" in each["Properties"]
        for each in TEMPLATE["Resources"].values()
        if "AWS::Serverless::Function" == each["Type"]
    }

    assert (inside, outside) == (
        {name for name, is_inside in functions.items() if is_inside},
        {name for name, is_inside in functions.items() if not is_inside},
    )
