"""One ping by its request's id, over the lines that the functions log, from its request to the frame that shows it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from adapters.checkpoints import Checkpoints
from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.observability import logger
from adapters.publisher import Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from aggregate import app as aggregate
from broadcast.broadcaster import Broadcaster
from factories import NOW, LambdaContext, a_body, a_kinesis_event, a_rest_event, a_socket_event
from fakes.clock import FakeClock
from fakes.ping_stream import FakePingStream
from fakes.queue import FakeQueue
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.viewports import viewport
from ingest import app as ingest

SETTINGS = BroadcastSettings(tick_ms=3_000, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=4_000)
WHOLE_LAGOS = viewport("lagos", 7, None, cities(), (7,))

type Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What has been logged since it was last asked, at the level that is the default on AWS."""
    level = logger.log_level
    handler = logger.registered_handler
    written: list[str] = []
    monkeypatch.setattr(handler, "emit", lambda record: written.append(handler.format(record)))
    logger.setLevel("INFO")

    def taken() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in written]
        written.clear()
        return found

    yield taken
    logger.setLevel(level)


class Way:
    """A ping's way through the functions, each of which is called as AWS calls it.

    Attributes:
        stream: what is written to it has not been read yet.
        queue: what is on its way to viewers.
    """

    def __init__(self, state: LiveState, client: redis.Redis) -> None:
        self.stream, self.queue = FakePingStream(), FakeQueue()
        self._clock = FakeClock(NOW)
        parts = (state, Publisher(state, 3), Lease(client), Registry(client), self.queue)
        self._broadcaster = Broadcaster(*parts, SETTINGS, self._clock, self._clock.sleep)
        self._read = 0

    def post(self, request: str, driver: str, lat: float = 6.52, lon: float = 3.38, age_ms: int = 0) -> None:
        sampled_at = time.time_ns() // 1_000_000 - age_ms if age_ms else ...
        body = json.dumps(a_body(driver_id=driver, lat=lat, lon=lon, sampled_at=sampled_at))
        event = a_rest_event("POST", "/pings", body)
        event["requestContext"]["requestId"] = request
        assert 202 == ingest.lambda_handler(event, LambdaContext())["statusCode"]

    def say(self, request: str, driver: str) -> None:
        event = a_socket_event("ping", {"action": "ping", "ping": a_body(driver_id=driver, sampled_at=...)})
        event["requestContext"]["requestId"] = request
        assert "ack" in ingest.lambda_handler(event, LambdaContext())["body"]

    def aggregate(self) -> None:
        records = self.stream.records[self._read :]
        aggregate.lambda_handler(a_kinesis_event(*records, first=self._read + 1), LambdaContext())
        self._read += len(records)

    def tick(self) -> None:
        self._broadcaster.run(until=self._clock.now + SETTINGS.tick_ms)


@pytest.fixture
def way(state: LiveState, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Way:
    way = Way(state, client)
    monkeypatch.setattr(ingest, "stream", lambda: way.stream)
    monkeypatch.setattr(aggregate, "state", lambda: state)
    monkeypatch.setattr(aggregate, "checkpoints", lambda: Checkpoints(client))
    monkeypatch.setattr(aggregate, "failures", FakeQueue)
    state.watch(WHOLE_LAGOS, "viewer-1", Encoding.JSON)
    return way


def said(lines: list[dict[str, Any]], message: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["message"] == message]


def sampled(is_it: bool) -> None:
    """Whether the next invocation is one of the sample that is logged in detail."""
    logger.setLevel("DEBUG" if is_it else "INFO")


def test_a_sampled_request_is_followed_to_the_frame_that_shows_its_ping(way: Way, lines: Lines):
    way.post("request-1", "somebody-else")
    sampled(True)
    way.post("request-2", "the-driver", lat=6.60)
    sampled(False)
    way.aggregate()
    counting = lines()
    way.tick()

    # The aggregator was not sampled itself.
    [read] = said(counting, "records read")
    assert {"1": "request-1", "2": "request-2"} == read["requests"]
    [applied] = said(counting, "pings applied")
    [tick] = said(lines(), "tick")
    assert tick["revs"]["lagos"] >= applied["revs"]["lagos"]
    [frame] = way.queue.take_messages("viewer-1")
    assert ("delta", tick["revs"]["lagos"]) == (frame["type"], frame["rev"])


def test_what_comes_later_is_in_a_later_frame(way: Way, lines: Lines):
    sampled(True)
    way.post("request-1", "the-driver")
    way.aggregate()
    way.tick()
    first = said(lines(), "tick")[0]["revs"]["lagos"]
    way.post("request-2", "another-driver", lat=6.60)
    way.aggregate()

    [applied] = said(lines(), "pings applied")
    assert applied["revs"]["lagos"] > first


def test_without_a_sample_only_the_tick_is_told(way: Way, lines: Lines):
    way.post("request-1", "the-driver")
    way.aggregate()
    way.tick()

    assert ["tick"] == [line["message"] for line in lines()]


def test_a_tick_that_nobody_is_sent_anything_of_is_not_told(way: Way, lines: Lines, state: LiveState):
    state.unwatch([WHOLE_LAGOS], "viewer-1")
    way.post("request-1", "the-driver")
    way.aggregate()
    way.tick()

    assert [] == lines()


def test_a_message_on_the_socket_is_followed_as_well(way: Way, lines: Lines):
    sampled(True)
    way.say("message-1", "the-driver")
    sampled(False)
    way.aggregate()

    assert [{"1": "message-1"}] == [line["requests"] for line in said(lines(), "records read")]


def test_a_tick_names_no_city_that_nobody_is_sent_anything_of(way: Way, lines: Lines):
    way.post("request-1", "the-driver")
    way.post("request-2", "somebody-in-london", lat=51.5, lon=-0.1)
    way.aggregate()
    way.tick()

    assert ["lagos"] == list(said(lines(), "tick")[0]["revs"])


def test_a_ping_that_changed_nothing_is_told_why(way: Way, lines: Lines):
    way.post("request-1", "the-driver")
    way.aggregate()
    sampled(True)
    way.post("request-2", "the-driver", age_ms=60_000)
    sampled(False)
    way.aggregate()

    told = lines()
    [read], [applied], [batch] = (said(told, each) for each in ("records read", "pings applied", "batch applied"))
    assert {"2": "request-2"} == read["requests"]
    assert {} == applied["revs"]
    assert ("2", "2", 0, 1) == (batch["first"], batch["last"], batch["applied"], batch["late"])


def test_the_detail_ends_with_what_it_was_for(way: Way, lines: Lines):
    sampled(True)
    way.post("request-1", "the-driver")
    sampled(False)
    way.aggregate()
    lines()
    way.post("request-2", "another-driver")
    way.aggregate()

    assert [] == lines()
