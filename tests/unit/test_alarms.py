"""Alarms and the dashboard watch metrics that there are, and the operations page says what to do about each."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from adapters.observability import Metric
from cloudformation import ROOT, all_resources, load, values

OPERATIONS = (ROOT / "docs/operations.md").read_text()
FUNCTIONS = ROOT / "functions"
ALARMS = all_resources("AWS::CloudWatch::Alarm")
OWN = {"Ref": "Namespace"}
BODY = load(ROOT / "infra/dashboard.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
WIDGETS: list[dict[str, Any]] = json.loads(BODY)["widgets"]
SERVICES = {path.parent.name for path in FUNCTIONS.glob("*/app.py")}


def counted_in(path: Path) -> set[str]:
    """The metrics that a file's code names."""
    return {
        Metric[node.attr].value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Metric"
    }


def counted_by(service: str) -> set[str]:
    """The metrics that a function's own code counts, and those of the adapters that all share."""
    names = set().union(*map(counted_in, (FUNCTIONS / service).glob("*.py")))
    if service == "deliver":
        names |= {name for name in Metric if name.startswith("posts_")}
    return names


def watched(alarm: dict[str, Any]) -> list[tuple[str, str]]:
    """The metrics of ours that an alarm watches: service and name."""
    found = [node for node in values(alarm) if isinstance(node, dict) and OWN == node.get("Namespace")]
    return [(node["Dimensions"][0]["Value"], node["MetricName"]) for node in found]


def on_the_dashboard() -> list[tuple[str, str]]:
    metrics = [metric for widget in WIDGETS for metric in widget["properties"]["metrics"]]
    return [(metric[3], metric[1]) for metric in metrics if "${Namespace}" == metric[0]]


def test_alarms_watch_what_is_counted():
    wanted = {metric for alarm in ALARMS.values() for metric in watched(alarm)}

    assert wanted
    assert set() == {(service, name) for service, name in wanted if name not in counted_by(service)}


def test_the_dashboard_shows_what_is_counted_and_all_of_it():
    shown = on_the_dashboard()
    shared = {(service, Metric.UNAVAILABLE.value) for service in SERVICES}

    assert set() == {each for each in shown if each[1] not in counted_by(each[0]) and each not in shared}
    assert {name.value for name in Metric} == {name for _, name in shown}


def test_a_refused_token_is_no_error_of_the_authorizer():
    alarm = ALARMS["AuthorizeErrors"]["Properties"]
    [widget] = [each["properties"] for each in WIDGETS if each["properties"]["title"].startswith("Functions: errors")]
    [drawn] = [metric[0] for metric in widget["metrics"] if isinstance(metric[0], dict)]
    hidden = {metric[-1]["id"]: metric[1] for metric in widget["metrics"] if "id" in metric[-1]}
    stats = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    difference = "FILL(errors, 0) - FILL(refused, 0)"

    assert [difference] == [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    assert difference == drawn["expression"]
    assert [("authorize", "tokens_refused")] == watched(alarm)
    names = {"errors": "Errors", "refused": "tokens_refused"}
    assert names == {name: stat["Metric"]["MetricName"] for name, stat in stats.items()} == hidden
    assert {("Sum", 60)} == {(stat["Stat"], stat["Period"]) for stat in stats.values()}
    assert (0, "GreaterThanThreshold") == (alarm["Threshold"], alarm["ComparisonOperator"])


def test_every_metric_is_counted_somewhere():
    counted = set().union(*map(counted_in, FUNCTIONS.rglob("*.py")), counted_by("deliver"))

    assert set(Metric) == counted


def test_alarms_and_dashboard_look_where_the_functions_put_their_metrics():
    main = load()
    namespace = main["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]

    for nested in ("Alarms", "ServiceAlarms", "Dashboard"):
        assert namespace == main["Resources"][nested]["Properties"]["Parameters"]["Namespace"]


def test_services_are_called_what_the_functions_call_themselves():
    functions = [each for each in load()["Resources"].values() if "AWS::Serverless::Function" == each["Type"]]
    names = {each["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for each in functions}

    assert SERVICES == names
    assert {service for alarm in ALARMS.values() for service, _ in watched(alarm)} <= names
    assert {service for service, _ in on_the_dashboard()} <= names


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_and_knows_what_silence_means(name: str):
    properties = ALARMS[name]["Properties"]

    assert properties["AlarmActions"] == properties["OKActions"] == {"Fn::If": ["HasTopic", [{"Ref": "TopicArn"}], []]}
    assert ("breaching" if name.endswith("sMissing") else "notBreaching") == properties["TreatMissingData"]
    assert properties["AlarmDescription"].endswith(".")


def test_the_operations_page_says_of_every_alarm_what_to_do_and_of_no_other():
    runbook = OPERATIONS.split("## Alarms")[1].split("\n## ")[0]
    entries = re.findall(r"^- (`\w+`(?:, `\w+`)*): .{40,}", runbook, re.MULTILINE)

    assert sorted(ALARMS) == sorted(name for entry in entries for name in re.findall(r"\w+", entry))


def test_the_operations_page_explains_every_metric():
    table = OPERATIONS.split("| Metric | Service |")[1].split("\n\n")[0]

    assert set(Metric) == set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:])))
