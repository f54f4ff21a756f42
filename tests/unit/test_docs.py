"""What the documentation shows is what there is."""

import json
import re
from pathlib import Path

import pytest

from fleetglow.command_line import COMMANDS
from fleetglow.protocol import decode
from heatmap.cities import cities

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MESSAGES = [line for line in (ROOT / "docs/protocol.md").read_text().splitlines() if line.startswith('{"type"')]


@pytest.mark.parametrize("message", MESSAGES, ids=[json.loads(message)["type"] for message in MESSAGES])
def test_every_message_of_the_protocol_is_one_that_the_client_reads(message: str):
    assert decode(message).__class__.__name__.lower() in {json.loads(message)["type"], "refusal"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())

    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_the_readme_lists_every_command():
    listed = set(re.findall(r"`([a-z]+)(?=[ `])", (ROOT / "README.md").read_text().split("## Sending")[0]))

    assert {command.__name__ for command in COMMANDS} <= listed


def test_the_operations_page_lists_the_parameters_with_their_defaults():
    rows = re.findall(r"^\| `([A-Z]\w+)` \| (\S+) \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    template = (ROOT / "template.yaml").read_text()

    assert rows
    for name, default in rows:
        if name[1].islower():
            block = re.search(rf"^  {name}:\n((?:    .*\n)+)", template, re.MULTILINE)
            assert block, f"{name} is no parameter"
            assert default in block[1].replace('"', "")


def test_cities_do_not_overlap():
    boxes = [city.bbox for city in cities().named.values()]

    assert not [
        (a, b)
        for n, a in enumerate(boxes)
        for b in boxes[:n]
        if a.south < b.north and b.south < a.north and a.west < b.east and b.west < a.east
    ]
