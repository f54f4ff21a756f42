"""The account of the pings: what adds up, and each way in which it may not."""

import pytest

from chaos.ledger import Ledger, Report, registers_differ
from heatmap.pings import Ping
from heatmap.records import encode

SHARD = "shardId-000000000000"
NOW = 1_700_000_000_000


def a_record(*numbers: int, driver_id: str = "driver-1", at: int = NOW) -> bytes:
    pings = [
        Ping(driver_id, at + number, at, 6.5, 3.4, "s14mhu5n2", "lagos", order_id=str(number)) for number in numbers
    ]
    [data] = encode(pings)
    return data


@pytest.fixture
def ledger() -> Ledger:
    """Of two records with five pings, all of them accepted, and one that nobody can read."""
    ledger = Ledger("lagos")
    ledger.read(SHARD, 10, a_record(1, 2, 3))
    ledger.read(SHARD, 11, b"junk")
    ledger.read(SHARD, 12, a_record(4, 5))
    ledger.accept("12345")
    return ledger


ALL = {"applied": 4, "late": 1, "duplicate": 0, "implausible": 0, "poison": [{}]}


def test_it_adds_up_when_each_record_was_delivered_and_each_ping_has_an_outcome(ledger: Ledger):
    ledger.report_range("stream", SHARD, 10, 12, ALL)

    account = ledger.account()

    assert [] == account.findings
    figures = account.figures
    assert (5, 5, 3, 1) == (
        figures["pings accepted"],
        figures["pings in the stream"],
        figures["records in the stream"],
        figures["of these unreadable"],
    )
    assert (4, 1) == (figures["pings applied, by stream"], figures["pings late, by stream"])


def test_a_batch_may_be_reported_before_its_records_are_read():
    ledger = Ledger("lagos")
    ledger.report_range("stream", SHARD, 1, 1, {"applied": 1})
    ledger.read(SHARD, 1, a_record(1))

    assert [] == ledger.account().findings


def test_an_accepted_ping_that_never_was_in_the_stream_is_found(ledger: Ledger):
    ledger.report_range("stream", SHARD, 10, 12, ALL)
    ledger.accept(["6"])

    assert ["1 accepted pings never were in the stream, as ['6']"] == ledger.account().findings


def test_a_record_of_which_nobody_says_what_became_is_found(ledger: Ledger):
    ledger.report_range("stream", SHARD, 10, 11, {"applied": 3, "poison": [{}]})

    assert [f"of 1 records nobody knows what became, as [('{SHARD}', 12)]"] == ledger.account().findings
    assert [(SHARD, 12)] == ledger.unreported()


@pytest.mark.parametrize("answer", [{**ALL, "applied": 3}, {**ALL, "late": 2}, {**ALL, "poison": []}])
def test_an_outcome_too_few_or_too_many_is_found(ledger: Ledger, answer: dict[str, object]):
    ledger.report_range("stream", SHARD, 10, 12, answer)

    [finding] = ledger.account().findings
    assert finding.startswith("stream delivered 5 pings and 1 unreadable records")


def test_what_is_delivered_again_is_told_and_changes_nothing(ledger: Ledger):
    ledger.report_range("stream", SHARD, 10, 12, ALL)
    ledger.report(Report.of("adversary", SHARD, [12, 12], {"duplicate": 4}))

    account = ledger.account()

    assert [] == account.findings
    assert 1 == account.figures["records delivered more than once"]
    assert 4 == account.figures["pings duplicate, by adversary"]


def test_a_ping_that_was_sent_again_after_its_answer_was_lost_is_told(ledger: Ledger):
    ledger.read(SHARD, 13, a_record(5))
    ledger.report_range("stream", SHARD, 10, 13, {**ALL, "duplicate": 1})

    account = ledger.account()

    assert [] == account.findings
    assert 1 == account.figures["of these sent again"]


def test_each_driver_is_to_be_where_the_newest_ping_in_the_stream_says_unless_swept():
    ledger = Ledger("lagos")
    ledger.read(SHARD, 1, a_record(7, at=NOW))
    ledger.read(SHARD, 2, a_record(3, at=NOW))
    ledger.read(SHARD, 3, a_record(1, driver_id="silent", at=NOW - 60_000))
    right = {"driver-1": (NOW + 7, NOW, "s14mhu5n2")}

    assert [] == registers_differ(ledger, right, swept_to=NOW - 30_000)
    assert 1 == len(registers_differ(ledger, {"driver-1": (NOW + 3, NOW, "s14mhu5n2")}, swept_to=NOW - 30_000))
    assert 1 == len(registers_differ(ledger, right, swept_to=NOW - 90_000))
    assert 1 == len(registers_differ(ledger, {}, swept_to=NOW - 30_000))
