"""Alarms and the dashboard look for metrics under the dimensions under which they are written: others do not exist."""

import json
from typing import Any

import pytest

from adapters.observability import Metric, count, flush, metrics
from cloudformation import ROOT, all_resources, load, values

BODY = load(ROOT / "infra/dashboard.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
# As the services write them.
DIMENSIONS = {
    "own": [["service"]],
    "AWS/ApiGateway": [["ApiName", "Stage"], ["ApiId", "Stage"]],
    "AWS/ElastiCache": [["CacheClusterId"]],
    "AWS/Kinesis": [["StreamName"]],
    "AWS/Lambda": [["FunctionName"]],
    "AWS/SQS": [["QueueName"]],
}


def alarmed() -> list[tuple[str, str, list[str]]]:
    """Of each metric that an alarm watches the alarm, the namespace and the dimensions."""
    return [
        (
            name,
            "own" if {"Ref": "Namespace"} == node["Namespace"] else node["Namespace"],
            [each["Name"] for each in node["Dimensions"]],
        )
        for name, alarm in all_resources("AWS::CloudWatch::Alarm").items()
        for node in values(alarm)
        if isinstance(node, dict) and "MetricName" in node
    ]


def drawn() -> list[tuple[str, str, list[str]]]:
    """The same of each metric that the dashboard shows."""
    shown = [
        (widget["properties"]["title"], metric)
        for widget in json.loads(BODY)["widgets"]
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], str)
    ]
    return [
        (
            title,
            "own" if "${Namespace}" == metric[0] else metric[0],
            [each for each in metric[2::2] if isinstance(each, str)],
        )
        for title, metric in shown
    ]


def test_a_metric_of_ours_has_its_service_for_a_dimension(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED")
    # What other tests have counted is not written.
    metrics.clear_metrics()

    count(Metric.TICKS)
    flush()

    written: dict[str, Any] = json.loads(capsys.readouterr().out)
    [described] = written["_aws"]["CloudWatchMetrics"]
    assert DIMENSIONS["own"] == described["Dimensions"]
    assert [1.0] == written["ticks"]


@pytest.mark.parametrize("look", [alarmed, drawn])
def test_a_metric_is_looked_for_where_it_is_written(look: Any):
    found = look()

    assert found
    assert [] == [each for each in found if each[2] not in DIMENSIONS[each[1]]]
