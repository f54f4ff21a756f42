"""What `fleetglow redrive` says of records and messages."""

import pytest

from fleetglow.redrive import Fate, Redriven, Report

SHARD = "shardId-000000000000"


@pytest.mark.parametrize(
    ("redriven", "line"),
    [
        (
            Redriven(SHARD, "7", Fate.APPLIED, pings={"applied": 1_200, "late": 3, "duplicate": 0}),
            "applied: 1,200 applied, 3 late",
        ),
        (Redriven(SHARD, "7", Fate.SET_ASIDE, reason="record: expected pings"), "set aside: record: expected pings"),
        (Redriven(SHARD, "7", Fate.DUPLICATE), "duplicate"),
    ],
)
def test_a_record_is_told_with_what_became_of_its_pings_or_with_the_reason(redriven: Redriven, line: str):
    assert f"{SHARD} 7: {line}" == redriven.line


@pytest.mark.parametrize(("number", "records"), [(1, "1 record"), (2, "2 records"), (1_000, "1,000 records")])
def test_several_that_are_lost_are_counted(number: int, records: str):
    lost = Redriven(SHARD, "7", Fate.EXPIRED, "9", number, reason="the stream does not have it any more")

    assert f"{SHARD} 7 to 9 ({records}): expired: the stream does not have it any more" == lost.line


def a_report(*, is_dry: bool) -> Report:
    records = [Redriven(SHARD, "7", Fate.APPLIED), Redriven(SHARD, "8", Fate.SET_ASIDE)]
    return Report(is_dry, records, redriven=1, discarded=2)


def test_at_the_end_stands_what_was_done():
    expected = "messages: 1 redriven, 2 discarded, 0 left; records: 1 applied, 1 set aside"

    assert expected == a_report(is_dry=False).line


def test_a_dry_run_says_what_would_be_done():
    expected = "messages: 1 would be redriven, 2 would be discarded, 0 would be left; records: 1 applied, 1 set aside"

    assert expected == a_report(is_dry=True).line


def test_an_empty_queue_has_no_records():
    assert "messages: 0 redriven, 0 discarded, 0 left; records: none" == Report().line
