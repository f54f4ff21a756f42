"""The REST queries on a real state; the stream and the queue are moto's."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import redis
from moto import mock_aws

from adapters.checkpoints import Checkpoints
from adapters.live_state import LiveState
from adapters.ping_stream import PingStream
from adapters.queues import Queue
from factories import LAGOS, NOW, LambdaContext, a_ping, a_record, a_rest_event
from fakes.ping_stream import FakePingStream
from heatmap.cells import cell_of
from heatmap.records import decode
from heatmap.register import merged
from query import app, health
from query.reads import Reads


@pytest.fixture(autouse=True)
def parts(state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    with mock_aws():
        kinesis, sqs = boto3.client("kinesis"), boto3.client("sqs")
        kinesis.create_stream(StreamName="pings", ShardCount=1)
        url = sqs.create_queue(QueueName="failures")["QueueUrl"]
        asked = health.parts(state, Checkpoints(client), PingStream(kinesis, "pings"), Queue(sqs, url), 15_000)
        reads = Reads(state, 3, app.now)
        monkeypatch.setattr(app, "reads", lambda: reads)
        monkeypatch.setattr(app, "parts", lambda: asked)
        app.health_of.cache_clear()
        state.apply(merged([decode(a_record(a_ping()))]), NOW)
        yield {"kinesis": kinesis, "sqs": sqs, "failures": url}


def get(path: str, scope: str = "heatmap:read drivers:read", **query: str) -> tuple[int, dict[str, Any]]:
    answer = app.lambda_handler(a_rest_event("GET", path, query=query, scope=scope), LambdaContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_the_heatmap_holds_every_cell_with_drivers():
    status, answer = get("/heatmap", city="lagos", precision="7")

    assert (200, {cell_of(*LAGOS, 7): 1}, 1) == (status, answer["cells"], answer["drivers"])


def test_the_heatmap_says_which_is_the_least_count_that_it_tells():
    exact = get("/heatmap", city="lagos")[1]
    published = get("/heatmap", "heatmap:read", city="lagos")[1]

    assert (1, 3) == (exact["min_cell_drivers"], published["min_cell_drivers"])


def test_a_whole_city_is_shown_at_precision_7_by_default():
    assert 7 == get("/heatmap", city="lagos")[1]["precision"]


def test_the_finest_precision_shows_a_part_of_the_city():
    answer = get("/heatmap", city="lagos", precision="8", bbox="6.51,3.37,6.53,3.39")[1]

    assert {cell_of(*LAGOS, 8): 1} == answer["cells"]


def test_a_box_cuts_the_heatmap():
    assert {} == get("/heatmap", city="lagos", bbox="6.58,3.33,6.62,3.37")[1]["cells"]


@pytest.mark.parametrize(
    ("query", "field", "status"),
    [
        ({}, "city", 400),
        ({"city": "atlantis"}, "city", 400),
        ({"city": "lagos", "precision": "fine"}, "precision", 400),
        ({"city": "lagos", "precision": "9"}, "precision", 400),
        ({"city": "lagos", "precision": "²"}, "precision", 400),
        ({"city": "lagos", "bbox": ""}, "bbox", 400),
        ({"city": "lagos", "bbox": "1,2,3"}, "bbox", 400),
        ({"city": "lagos", "bbox": "a,b,c,d"}, "bbox", 400),
        ({"city": "lagos", "bbox": "nan,2,3,4"}, "bbox", 400),
        ({"city": "lagos", "bbox": "7,3,6,4"}, "bbox", 400),
        ({"city": "lagos", "bbox": "6,179,7,-179"}, "bbox", 400),
        ({"city": "lagos", "bbox": "-10,-10,10,10"}, "bbox", 413),
        ({"city": "lagos", "bbox": "51.4,-0.2,51.6,0.1"}, "bbox", 400),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_field(query: dict[str, str], field: str, status: int):
    answered, answer = get("/heatmap", **query)

    assert (status, True) == (answered, answer["message"].startswith(f"{field}: expected "))


@pytest.mark.parametrize("path", ["/heatmap", "/stats", "/cities"])
def test_without_the_scope_nothing_is_told(path: str):
    assert 403 == get(path, scope="pings:write", city="lagos")[0]


def test_who_may_not_see_streets_is_told_so_however_large_the_box():
    status, answer = get("/heatmap", "heatmap:read", city="lagos", precision="8")

    assert (403, "forbidden") == (status, answer["code"])
    assert "precision: expected at most 7 without the scope drivers:read, got 8" == answer["message"]


def test_only_precisions_that_the_reader_may_see_are_offered():
    public = get("/heatmap", "heatmap:read", city="lagos", precision="9")[1]["message"]
    exact = get("/heatmap", city="lagos", precision="9")[1]["message"]

    assert "precision: expected one of 4, 5, 6, 7, got 9" == public
    assert "precision: expected one of 4, 5, 6, 7, 8, got 9" == exact


def test_the_statistics_count_drivers_and_cells():
    status, answer = get("/stats")

    assert (200, 1) == (status, answer["drivers"])
    assert {"4": 1, "5": 1, "6": 1, "7": 1} == answer["cities"]["lagos"]["cells"]


def test_a_city_without_drivers_has_statistics_too():
    assert 0 == get("/stats", city="london")[1]["cities"]["london"]["drivers"]


def test_the_cities_are_listed_with_their_boxes():
    [lagos] = [city for city in get("/cities")[1]["cities"] if city["name"] == "lagos"]

    assert [6.35, 3.1, 6.75, 3.75] == lagos["bbox"]


def test_all_is_well_when_nothing_waits():
    status, answer = get("/health", scope="")

    assert (200, "ok", 0, 0) == (status, answer["status"], answer["stream"]["lag_ms"], answer["failures"]["depth"])


def test_a_failed_batch_shows(parts: dict[str, Any]):
    parts["sqs"].send_message(QueueUrl=parts["failures"], MessageBody="a batch")

    status, answer = get("/health")

    assert (200, "degraded", 1) == (status, answer["status"], answer["failures"]["depth"])


def test_a_record_that_is_not_applied_is_lag_until_it_is(parts: dict[str, Any], client: redis.Redis):
    put = parts["kinesis"].put_record(StreamName="pings", Data=b"pings", PartitionKey="1")
    assert get("/health")[1]["stream"]["lag_ms"] > 0

    Checkpoints(client).note("pings", put["ShardId"], put["SequenceNumber"])
    app.health_of.cache_clear()

    assert 0 == get("/health")[1]["stream"]["lag_ms"]


def test_counts_that_are_far_behind_are_degraded_and_say_why(
    state: LiveState, client: redis.Redis, parts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    late = FakePingStream()
    late.lag = 16_000
    asked = health.parts(state, Checkpoints(client), late, Queue(parts["sqs"], parts["failures"]), 15_000)
    monkeypatch.setattr(app, "parts", lambda: asked)

    status, answer = get("/health")

    assert (200, "degraded") == (status, answer["status"])
    reason = "the counts are 16.0 s behind the pings, more than 15 s"
    assert {"status": "degraded", "reason": reason, "lag_ms": 16_000} == answer["stream"]


def test_a_part_that_does_not_answer_is_named(parts: dict[str, Any]):
    parts["kinesis"].delete_stream(StreamName="pings")

    status, answer = get("/health")

    assert (503, "unavailable", "ok") == (status, answer["stream"]["status"], answer["failures"]["status"])
