import pytest

from adapters.management.outcome import Outcome, outcome_of
from adapters.management.responses import Response


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", Outcome.SENT),
        (410, b'{"message":"Gone"}', Outcome.GONE),
        (400, b'{"message":"Invalid connectionId: junk","connectionId":"junk"}', Outcome.GONE),
        (400, b'{"message":"Message is not UTF-8"}', Outcome.FAILED),
        (400, b"", Outcome.FAILED),
        (403, b'{"message":"Forbidden"}', Outcome.FORBIDDEN),
        (413, b"", Outcome.FAILED),
        (429, b"", Outcome.THROTTLED),
        (500, b"", Outcome.FAILED),
        (503, b"", Outcome.FAILED),
        (301, b"", Outcome.FAILED),
    ],
)
def test_what_answers_mean(status: int, body: bytes, outcome: Outcome):
    assert outcome is outcome_of(Response(status, body, True))


def test_only_sent_and_gone_are_as_it_should_be():
    assert [Outcome.SENT, Outcome.GONE] == [outcome for outcome in Outcome if not outcome.is_drop]
