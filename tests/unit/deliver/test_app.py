import pytest

from adapters.fan_out import Outcome
from deliver import app
from factories import LambdaContext, an_sqs_event
from fakes.queue import FakeQueue
from heatmap.deliveries import Delivery, jobs


class FakeFanOut:
    """Reaches every connection whose id does not say otherwise."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, deliveries: list[Delivery]) -> dict[str, Outcome]:
        outcomes = {}
        for delivery in deliveries:
            for connection in delivery.connections:
                outcomes[connection] = Outcome(connection.partition("-")[0])
                if outcomes[connection] is Outcome.SENT:
                    self.sent += [(connection, message) for message in delivery.messages]
        return outcomes


@pytest.fixture
def fan_out(monkeypatch: pytest.MonkeyPatch) -> FakeFanOut:
    fan_out = FakeFanOut()
    monkeypatch.setattr(app, "fan_out", lambda: fan_out)
    return fan_out


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    gone = FakeQueue()
    monkeypatch.setattr(app, "gone_connections", lambda: gone)
    return gone


def deliver(*deliveries: Delivery) -> None:
    app.lambda_handler(an_sqs_event(*jobs(deliveries)), LambdaContext())


def test_every_connection_gets_its_messages(fan_out: FakeFanOut, gone: FakeQueue):
    deliver(Delivery(["sent-1", "sent-2"], ["frame"]), Delivery(["sent-3"], ["one", "two"]))

    assert fan_out.sent == [("sent-1", "frame"), ("sent-2", "frame"), ("sent-3", "one"), ("sent-3", "two")]


def test_a_gone_connection_is_reported_and_the_others_are_served(fan_out: FakeFanOut, gone: FakeQueue):
    deliver(Delivery(["gone-1", "sent-1", "dropped-1"], ["frame"]))

    assert (gone.bodies, fan_out.sent) == (["gone-1"], [("sent-1", "frame")])


def test_an_unreadable_job_does_not_keep_the_others(fan_out: FakeFanOut, gone: FakeQueue):
    app.lambda_handler(an_sqs_event("junk", *jobs([Delivery(["sent-1"], ["frame"])])), LambdaContext())

    assert fan_out.sent == [("sent-1", "frame")]
