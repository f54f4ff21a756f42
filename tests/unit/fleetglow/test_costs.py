import json
import re
import shlex
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from cloudformation import ROOT, all_resources, load, values
from fleetglow import cache_memory, costs
from fleetglow.command_line import app
from fleetglow.costs import Load, bill
from fleetglow.errors import BadInput

NOTHING = Load(
    drivers=0,
    interval_s=5,
    batch=50,
    viewers=0,
    frame_bytes=1_500,
    tick_s=3,
    changing=1,
    cache_node="cache.t4g.small",
    cache_nodes=1,
)
FLEET = replace(NOTHING, drivers=10_000)
AUDIENCE = replace(NOTHING, viewers=1_000)
PAGE = (ROOT / "docs/cost.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()


def usd(load: Load, item: str, part: str | None = None) -> float:
    return sum(line.usd for line in bill(load) if line.item == item and part in (None, line.part))


def total(load: Load) -> float:
    return sum(line.usd for line in bill(load))


def invocations(load: Load, part: str) -> float:
    [millions] = [line.quantity for line in bill(load) if (line.part, line.item) == (part, "Lambda, invocations")]
    return millions * 1_000_000


def test_the_broadcaster_and_the_check_begin_once_a_minute():
    assert 2 * 43_200 == pytest.approx(invocations(NOTHING, "standing"))


def test_viewers_are_let_in_subscribe_and_leave_every_two_hours():
    # With heartbeats alone one viewer is posted to every 15 s; 360 connections a month are four invocations each.
    one_viewer = replace(AUDIENCE, viewers=1, changing=0)

    assert 172_800 + 360 * (1 + 3) == pytest.approx(invocations(one_viewer, "frames out"))


def test_requests_get_cheaper_as_they_get_more():
    # 5,184 M requests: 333 at $3.50, 667 at $2.80, 4,184 at $2.38.
    assert 1_165.50 + 1_867.60 + 9_957.92 == pytest.approx(usd(replace(FLEET, batch=1), "REST API"))


def test_fifty_pings_in_a_request_cost_a_fiftieth_of_the_requests():
    assert 103.68 * 3.50 == pytest.approx(usd(FLEET, "REST API"))


def test_a_frame_is_a_message_for_each_32_kb_of_it():
    small, large = (
        usd(replace(AUDIENCE, frame_bytes=size), "WebSocket, messages") for size in (32 * 1024, 32 * 1024 + 1)
    )

    # 864 M frames; beyond a billion messages they are $0.80.
    assert (864.00, 1_000 + 728 * 0.80) == (pytest.approx(small), pytest.approx(large))


def test_where_nothing_changes_viewers_cost_their_heartbeats():
    assert 1_000 * costs.MONTH_S / 15 / 1_000_000 == pytest.approx(
        usd(replace(AUDIENCE, changing=0), "WebSocket, messages")
    )


def test_the_first_hundred_gigabytes_are_sent_for_nothing():
    one_viewer = replace(AUDIENCE, viewers=1)

    assert 0 == usd(one_viewer, "sent to the internet")
    assert (864e6 * 1_500 / 2**30 - 100) * 0.09 == pytest.approx(usd(AUDIENCE, "sent to the internet"))


@pytest.mark.parametrize(("batch", "shards"), [(1, 4), (50, 1), (500, 1)])
def test_there_are_shards_enough_for_twice_the_load(batch: int, shards: int):
    assert shards == costs.shards(replace(FLEET, batch=batch))


def test_nobody_pinging_and_nobody_watching_costs_what_stands():
    moving = {line.item for line in bill(NOTHING) if line.usd and line.part != "standing"}

    assert {"Kinesis, shards", "SQS"} == moving


def test_a_second_node_costs_as_much_as_the_first():
    assert 2 * usd(NOTHING, "ElastiCache, cache.t4g.small") == pytest.approx(
        usd(replace(NOTHING, cache_nodes=2), "ElastiCache, cache.t4g.small")
    )


def test_a_node_type_without_a_price_is_refused_with_those_that_have_one():
    with pytest.raises(BadInput, match=r"expected one of cache.t4g.micro, .*, got cache.huge"):
        bill(replace(NOTHING, cache_node="cache.huge"))


def test_memory_is_what_the_template_gives():
    functions = all_resources("AWS::Serverless::Function")
    shared = load()["Globals"]["Function"]["MemorySize"]
    given = {name: each["Properties"].get("MemorySize", shared) / 1024 for name, each in functions.items()}

    assert costs.INGEST_GB == given["IngestFunction"]
    assert costs.AGGREGATE_GB == given["AggregateFunction"]
    assert costs.DELIVER_GB == given["DeliverFunction"]
    assert costs.AUTHORIZE_GB == given["AuthorizeFunction"]
    assert costs.BROADCAST_GB == given["BroadcastFunction"]
    assert costs.CONNECTIONS_GB == given["ConnectionsFunction"]
    assert costs.CHECK_GB == given["CheckFunction"]


def test_what_the_alarms_watch_is_what_the_templates_have():
    alarms = [each for each in all_resources("AWS::CloudWatch::Alarm").values() if "Condition" not in each]
    watched = [node for node in values(alarms) if isinstance(node, dict) and "MetricName" in node]

    assert len(watched) == costs.ALARM_METRICS
    assert f"{len(alarms)} alarms watch {len(watched)} metrics" in " ".join(PAGE.split())


def test_the_metrics_are_those_that_the_operations_page_lists():
    rows = re.findall(r"^\| ((?:`[a-z_0-9]+`(?:, )?)+) \| ([a-z, ]+) \|", OPERATIONS, re.MULTILINE)
    metrics = {(name, service) for names, by in rows for name in names.split(", ") for service in by.split(", ")}

    assert len(metrics) == costs.METRICS
    assert f"{len(metrics)} metrics" in PAGE


def test_the_table_adds_up():
    printed = CliRunner().invoke(app, ["cost"]).output.splitlines()

    items = [float(line[-11:].replace(",", "")) for line in printed if line.startswith("  ")]
    [whole] = [float(line[-11:].replace(",", "")) for line in printed if line.startswith("USD a month")]
    assert whole == pytest.approx(sum(items), abs=0.2)
    assert costs.PRICES_OF in printed[-1]


@pytest.mark.parametrize(
    ("batch", "assumed"),
    [
        ("1", "1 ping in a request, as phones send for themselves"),
        ("50", "50 pings in a request, as a gateway sends for many; phones that send for themselves: --batch 1"),
    ],
)
def test_the_table_says_who_it_takes_for_the_sender(batch: str, assumed: str):
    assert assumed in CliRunner().invoke(app, ["cost", "--batch", batch]).output


def test_where_nobody_pings_there_is_no_sender():
    assert "in a request" not in CliRunner().invoke(app, ["cost", "--drivers", "0"]).output


def test_json_says_the_same_as_the_table():
    document = json.loads(CliRunner().invoke(app, ["cost", "--json", "--viewers", "10"]).output)

    assert 10 == document["load"]["viewers"]
    assert document["usd"] == pytest.approx(sum(line["usd"] for line in document["lines"]), abs=0.01)


ROWS = re.findall(r"`fleetglow (cost[^`]*)` \| \$([\d,]+) \|", PAGE)


@pytest.mark.parametrize(("command", "printed"), ROWS)
def test_the_page_says_what_the_command_says(command: str, printed: str):
    document = json.loads(CliRunner().invoke(app, [*shlex.split(command), "--json"]).output)

    assert f"{document['usd']:,.0f}" == printed


def test_the_page_has_examples():
    assert len(ROWS) >= 6


def warned(*options: str) -> str:
    return CliRunner().invoke(app, ["cost", *options]).stderr


def test_a_cache_that_is_too_small_is_a_warning_with_one_that_is_not():
    assert (
        "warning: cache.t4g.small is too small: 1,000,000 drivers and 1,000 viewers take about 2.4 GiB, "
        "and it has room for 1.0; choose cache.m7g.large\n"
    ) == warned("--drivers", "1000000")
    assert "" == warned("--drivers", "400000")


def test_where_no_node_is_large_enough_it_says_so():
    assert "choose a stack for each region" in warned("--drivers", "9000000", "--cache-node", "cache.r7g.large")


def test_viewers_take_memory_too():
    assert "0 drivers and 3,000,000 viewers take about 1.4 GiB" in warned("--drivers", "0", "--viewers", "3000000")


def test_json_says_how_much_the_cache_needs_and_has():
    document = json.loads(CliRunner().invoke(app, ["cost", "--json", "--drivers", "10", "--viewers", "0"]).stdout)

    assert {"needed_bytes": 26_000, "room_bytes": int(1.37 * 0.75 * 2**30)} == document["cache"]


def test_every_node_type_has_a_price_and_a_size():
    assert set(costs.CACHE_NODE_PER_H) == set(cache_memory.NODE_GIB)


NODES = re.findall(r"\| `(cache\.[^`]*)` \| ([\d,]+) \|", PAGE)


def test_the_page_says_what_each_node_holds():
    assert {
        node: f"{cache_memory.room(node) // cache_memory.BYTES_PER_DRIVER // 1_000 * 1_000:,}"
        for node in cache_memory.NODE_GIB
    } == dict(NODES)
