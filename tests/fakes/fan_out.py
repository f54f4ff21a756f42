"""A fan-out whose connections' ids say what becomes of them: `sent-1`, `gone-1`, `throttled-1`, …"""

from collections.abc import Iterable

from adapters.management.outcome import Outcome
from adapters.management.sender import Report
from heatmap.deliveries import Delivery


class FakeFanOut:
    """Remembers what reached whom, whom it closed, and how long it was to try.

    Attributes:
        sent: connections and messages, in the order they were sent.
        ended: the connections that were to be closed.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self.send_patience_s = 0.0
        self.end_patience_s = 0.0

    def send(self, deliveries: Iterable[Delivery], patience_s: float) -> Report:
        self.send_patience_s = patience_s
        report = Report({}, {}, [])
        for delivery in deliveries:
            for connection in delivery.connections:
                if _note(report, connection) is Outcome.SENT:
                    self.sent += [(connection, message) for message in delivery.messages]
        return report

    def end(self, connections: Iterable[str], patience_s: float) -> Report:
        self.end_patience_s = patience_s
        report = Report({}, {}, [])
        for connection in connections:
            self.ended.append(connection)
            _note(report, connection)
        return report


def _note(report: Report, connection: str) -> Outcome:
    outcome = report.outcomes[connection] = Outcome(connection.partition("-")[0])
    report.durations_s.append(0.004)
    if outcome is not Outcome.SENT:
        report.causes.setdefault(outcome, f"because of {connection}")
    return outcome
