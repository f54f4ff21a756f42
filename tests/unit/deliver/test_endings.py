import itertools

import pytest

from deliver.deliverer import Deliverer, QueuedJob
from factories import NOW
from fakes.fan_out import FakeFanOut
from fakes.queue import FakeQueue
from heatmap.deliveries import Delivery, endings, jobs

PATIENCE_S = 20.0


@pytest.fixture
def delivering(fan_out: FakeFanOut, gone: FakeQueue) -> Deliverer:
    """A deliverer for which two seconds pass whenever it looks at the clock."""
    ticking = itertools.count(NOW, 2_000)
    return Deliverer(fan_out, lambda: gone, clock=lambda: next(ticking))  # type: ignore[arg-type]


def queued(*bodies: str) -> list[QueuedJob]:
    return [QueuedJob(str(index), body, NOW) for index, body in enumerate(bodies)]


def test_connections_are_closed_after_the_frames_in_the_time_that_is_left(delivering: Deliverer, fan_out: FakeFanOut):
    frames = jobs([Delivery(["sent-1"], ["{}"])])

    delivering.deliver(queued(*endings(["sent-2", "sent-3"]), *frames), PATIENCE_S)

    assert ([("sent-1", "{}")], ["sent-2", "sent-3"]) == (fan_out.sent, fan_out.ended)
    assert 0 < fan_out.end_patience_s < fan_out.send_patience_s == PATIENCE_S


def test_one_that_is_closed_is_to_be_forgotten_and_one_that_is_not_will_be_asked_for_again(
    delivering: Deliverer, gone: FakeQueue
):
    delivering.deliver(queued(*endings(["sent-1", "gone-1", "throttled-1", "timed_out-1", "failed-1"])), PATIENCE_S)

    assert ["sent-1", "gone-1"] == gone.bodies


def test_the_closed_and_the_gone_are_told_together(delivering: Deliverer, gone: FakeQueue):
    frames = jobs([Delivery(["gone-2"], ["{}"])])

    delivering.deliver(queued(*frames, *endings(["sent-1"])), PATIENCE_S)

    assert ["gone-2", "sent-1"] == gone.bodies
