import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatmap.deliveries import MAX_CONNECTIONS, MAX_JOB_BYTES, Delivery, decode, endings, jobs, waves
from junk import DEPTHS, TEXT, VALUES, nested, spoiled, written


def sends(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    return sorted((c, m) for d in deliveries for c in d.connections for m in d.messages)


def test_small_deliveries_share_a_job():
    assert 1 == len(list(jobs([Delivery([f"c{n}"], ['"frame"']) for n in range(MAX_CONNECTIONS)])))


def test_many_connections_are_cut_into_jobs():
    wanted = [Delivery([f"c{n}" for n in range(2 * MAX_CONNECTIONS + 1)], ['"frame"'])]

    packed = [decode(job) for job in jobs(wanted)]

    assert 3 == len(packed)
    assert sends(wanted) == sends([delivery for job in packed for delivery in job.deliveries])


def test_connections_to_be_closed_are_in_jobs_of_their_own():
    wanted = [f"c{n}" for n in range(2 * MAX_CONNECTIONS + 1)]

    packed = [decode(job) for job in endings(wanted)]

    assert [MAX_CONNECTIONS, MAX_CONNECTIONS, 1] == [len(job.ends) for job in packed]
    assert (wanted, []) == (
        [each for job in packed for each in job.ends],
        [each for j in packed for each in j.deliveries],
    )
    assert [] == [end for job in jobs([Delivery(["c1"], ['"frame"'])]) for end in decode(job).ends]


def test_large_messages_are_cut_into_jobs():
    wanted = [Delivery(["c1"], [f'"{n}{"x" * 50_000}"' for n in range(10)])]

    packed = list(jobs(wanted))

    assert all(len(job) < 1.3 * MAX_JOB_BYTES for job in packed)
    assert sends(wanted) == sends([delivery for job in packed for delivery in decode(job).deliveries])


def test_a_full_job_fits_into_a_message_of_the_queue():
    wanted = [
        Delivery([f"{n:0>64}"], [f'"{"x" * (MAX_JOB_BYTES // MAX_CONNECTIONS - 2)}"']) for n in range(MAX_CONNECTIONS)
    ]

    [job] = jobs(wanted)

    assert 256 * 1024 > len(job)


def test_a_message_stands_in_a_job_as_it_is():
    message = '{"type": "delta", "tiles":{"s14mk":{"2x":3}}}'

    [job] = jobs([Delivery(["c1"], [message])])

    assert message in job
    assert [{"connections": ["c1"], "messages": [json.loads(message)]}] == json.loads(job)["deliveries"]
    assert [Delivery(["c1"], [message])] == decode(job).deliveries


def test_nothing_to_deliver_is_no_job():
    assert [] == list(jobs([]))


def test_what_may_be_posted_in_a_second_is_one_wave():
    wanted = [Delivery(["c1", "c2"], ["1"]), Delivery(["c3"], ["2", "3"])]

    assert [wanted] == waves(wanted, posts=4)


def test_more_posts_than_a_second_takes_are_cut_into_waves():
    wanted = [Delivery([f"c{n}" for n in range(7)], ["1"]), Delivery(["d1", "d2"], ["2", "3"])]

    cut = waves(wanted, posts=5)

    assert [5, 4, 2] == [sum(len(d.connections) * len(d.messages) for d in wave) for wave in cut]
    assert sends(wanted) == sends([delivery for wave in cut for delivery in wave])


def test_a_connection_with_more_messages_than_a_second_takes_has_a_wave_for_itself():
    assert [["c1"], ["c2"]] == [
        [c for d in wave for c in d.connections] for wave in waves([Delivery(["c1", "c2"], ["1", "2", "3"])], posts=2)
    ]


MESSAGES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=3).map(json.dumps)
DELIVERIES = st.builds(
    Delivery, st.lists(st.text(max_size=9), min_size=1, max_size=450), st.lists(MESSAGES, min_size=1, max_size=3)
)


@given(st.lists(DELIVERIES, max_size=4))
def test_what_is_packed_into_jobs_is_there_again(wanted: list[Delivery]):
    packed = [decode(job) for job in jobs(wanted)]

    assert sends(wanted) == sends([delivery for job in packed for delivery in job.deliveries])


@given(
    TEXT
    | written(VALUES | spoiled({"deliveries": [{"connections": ["c1"], "messages": [{"type": "delta"}]}], "ends": []}))
)
def test_whatever_comes_is_a_job_of_connections_and_messages_or_refused(body: str):
    with suppress(msgspec.DecodeError):
        job = decode(body)

        assert all(isinstance(each, str) for each in (*job.ends, *(c for d in job.deliveries for c in d.connections)))
        assert all(json.dumps(json.loads(message)) for d in job.deliveries for message in d.messages)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_job_of_any_depth_is_read_or_refused(depth: int):
    with suppress(msgspec.DecodeError):
        decode(f'{{"deliveries":[{{"connections":["c1"],"messages":[{nested(depth)}]}}]}}')
