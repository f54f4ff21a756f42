"""The environment that the code reads and the one that the template gives are the same."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters import settings
from heatmap.errors import Misconfigured

ROOT = Path(__file__).parents[2]
DECLARED = set(re.findall(r'(?:text|number)\("([A-Z_]+)"', (ROOT / "functions/adapters/settings.py").read_text()))
# Read by Powertools itself.
OF_LIBRARIES = {"LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}


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


def read(folder: str) -> set[str]:
    """The variables that a function's own code and the adapters it builds ask for."""
    wanted: set[str] = set()
    source = "".join(path.read_text() for path in (ROOT / "functions" / folder).glob("*.py"))
    groups = {
        r"(?:LiveState|Registry|Checkpoints|Lease)\.from_env": {"REDIS_URL"},
        r"LiveState\.from_env": {"REDIS_URL", "PRECISIONS"},
        r"BroadcastSettings\.from_env": {"TICK_SECONDS", "DRIVER_TTL_SECONDS", "HEARTBEAT_SECONDS", "POSTS_PER_SECOND"},
        r"PingStream\.from_env": {"PING_STREAM"},
        r"FanOut\.from_env": {"WEBSOCKET_API_ENDPOINT", "WEBSOCKET_STAGE"},
        r"Tokens\.from_env": {"TOKEN_SECRET_ARN"},
        r"settings\.deliveries_queue_url": {"DELIVERIES_QUEUE_URL"},
        r"settings\.gone_queue_url": {"GONE_QUEUE_URL"},
        r"settings\.failure_queue_url": {"FAILURE_QUEUE_URL"},
        r"settings\.heartbeat_seconds": {"HEARTBEAT_SECONDS"},
    }
    for pattern, names in groups.items():
        if re.search(pattern, source):
            wanted |= names
    return wanted


def test_every_variable_that_is_declared_is_given_to_somebody():
    assert DECLARED == set().union(*given().values()) - OF_LIBRARIES


@pytest.mark.parametrize("folder", sorted(given()))
def test_a_function_gets_what_it_reads_and_no_more(folder: str):
    assert read(folder) == given()[folder] - OF_LIBRARIES


def test_every_handler_is_in_the_template():
    assert {path.parent.name for path in (ROOT / "functions").glob("*/app.py")} == set(given())


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
