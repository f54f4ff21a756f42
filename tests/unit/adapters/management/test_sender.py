"""The sender's rules, over connections within this process."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from adapters.management.outcome import Outcome
from adapters.management.sender import Report, Sender
from fakes.management_api import ManagementApi, Trouble, response

LANES = 4
PATIENCE_S = 20.0
# Long enough for a busy machine, short enough to wait for.
POST_S = 0.25


@pytest.fixture
def api() -> ManagementApi:
    return ManagementApi()


@pytest.fixture
async def sender(api: ManagementApi) -> AsyncIterator[Sender]:
    sender = Sender(api.open, LANES, POST_S)
    yield sender
    await sender.close()


def prepare(connection_id: str, message: str) -> bytes:
    length = len(message.encode())
    return f"POST /live/@connections/{connection_id} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{message}".encode()


async def send(sender: Sender, posts: Mapping[str, Sequence[str]], patience_s: float = PATIENCE_S) -> Report:
    return await sender.send(posts, prepare, patience_s)


def to_each(number: int, *messages: str) -> dict[str, list[str]]:
    return {f"viewer-{n}": list(messages or ["frame"]) for n in range(number)}


async def test_every_viewer_gets_every_message_in_order(api: ManagementApi, sender: Sender):
    api.delay_s = 0.001

    report = await send(sender, to_each(50, "one", "two", "three"))

    assert dict.fromkeys(to_each(50), Outcome.SENT) == report.outcomes
    assert [["one", "two", "three"]] * 50 == [api.messages(viewer) for viewer in to_each(50)]


async def test_no_viewer_has_two_posts_under_way(api: ManagementApi, sender: Sender):
    api.delay_s = 0.001

    await send(sender, to_each(20, "one", "two", "three"))

    assert [] == api.overtaken


async def test_connections_are_shared_and_kept(api: ManagementApi, sender: Sender):
    for _ in range(3):
        await send(sender, to_each(50))

    assert (150, LANES) == (len(api.posts), api.opened)


async def test_one_viewer_takes_one_connection(api: ManagementApi, sender: Sender):
    for _ in range(3):
        await send(sender, to_each(1, "one", "two"))

    assert 1 == api.opened


async def test_nobody_to_send_to_is_done_at_once(api: ManagementApi, sender: Sender):
    assert ({}, {}, []) == await send(sender, {})
    assert 0 == api.opened


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (410, Outcome.GONE),
        (400, Outcome.GONE),
        (403, Outcome.FORBIDDEN),
        (413, Outcome.FAILED),
        (429, Outcome.THROTTLED),
        (500, Outcome.FAILED),
    ],
)
async def test_a_viewer_who_cannot_be_reached_gets_no_more_and_the_others_do(
    api: ManagementApi, sender: Sender, status: int, outcome: Outcome
):
    api.answers["viewer-1"].append(status)

    report = await send(sender, to_each(3, "one", "two"))

    assert {"viewer-0": Outcome.SENT, "viewer-1": outcome, "viewer-2": Outcome.SENT} == report.outcomes
    assert ["one"] == api.messages("viewer-1")


async def test_the_cause_of_a_drop_is_told(api: ManagementApi, sender: Sender):
    api.answers["viewer-1"].append(403)

    report = await send(sender, to_each(3))

    assert {Outcome.FORBIDDEN: '403 {"message": "Forbidden", "requestId": "r-1"}'} == report.causes


async def test_a_kept_connection_that_the_server_closed_meanwhile_costs_nothing(api: ManagementApi, sender: Sender):
    await send(sender, to_each(LANES))
    api.hang_up()

    report = await send(sender, to_each(LANES))

    assert {Outcome.SENT: LANES} == report.counts()
    assert 2 * LANES == len(api.posts)


async def test_a_server_that_hangs_up_now_and_then_loses_nothing(api: ManagementApi, sender: Sender):
    api.posts_per_connection = 3

    report = await send(sender, to_each(60, "one", "two"))

    assert {Outcome.SENT: 60} == report.counts()
    assert [["one", "two"]] * 60 == [api.messages(viewer) for viewer in to_each(60)]


async def test_a_post_that_the_server_hung_up_on_is_made_again_once(api: ManagementApi, sender: Sender):
    api.answers["viewer-0"].append(Trouble.HANG_UP)
    api.answers["viewer-1"].extend([Trouble.HANG_UP, Trouble.HANG_UP])

    report = await send(sender, to_each(2))

    assert {"viewer-0": Outcome.SENT, "viewer-1": Outcome.FAILED} == report.outcomes
    assert (2, 2) == (len(api.messages("viewer-0")), len(api.messages("viewer-1")))
    assert {Outcome.FAILED: "the server closed the connection"} == report.causes


@pytest.mark.parametrize(
    "answer", [response(200)[:1], response(200)[:-2], response(500)[:-1], b"garbage\r\n\r\n"], ids=range(4)
)
async def test_half_an_answer_is_none_and_the_post_is_not_made_again(api: ManagementApi, sender: Sender, answer: bytes):
    api.answers["viewer-1"].append(answer)

    report = await send(sender, to_each(8))

    assert Outcome.FAILED is report.outcomes["viewer-1"]
    assert {Outcome.FAILED: 1, Outcome.SENT: 7} == report.counts()
    assert 1 == len(api.messages("viewer-1"))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        response(200) + b"and something that nobody asked for",
        b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, "X-Long: " + 9_000 * "x"),
    ],
    ids=["close", "until the end", "1.0", "chunked", "more", "long"],
)
async def test_every_kind_of_answer_counts_and_the_next_post_goes_out(
    api: ManagementApi, sender: Sender, answer: bytes
):
    api.answers["viewer-0"].append(answer)

    report = await send(sender, to_each(1, "one", "two"))

    assert ({"viewer-0": Outcome.SENT}, ["one", "two"]) == (report.outcomes, api.messages("viewer-0"))


async def test_what_comes_unasked_ends_a_connection(api: ManagementApi, sender: Sender):
    await send(sender, to_each(1))
    api.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    report = await send(sender, to_each(1))

    assert ({"viewer-0": Outcome.SENT}, 2) == (report.outcomes, api.opened)


async def test_where_nobody_listens_everybody_is_dropped(api: ManagementApi, sender: Sender):
    api.is_down = True

    report = await send(sender, to_each(20))

    assert {Outcome.FAILED: 20} == report.counts()
    assert {Outcome.FAILED: "ConnectionRefusedError: nobody listens"} == report.causes


async def test_a_server_that_takes_connections_and_hangs_up_is_tried_twice(api: ManagementApi, sender: Sender):
    api.slams_the_door = True

    report = await send(sender, to_each(1))

    assert ({Outcome.FAILED: "the server closed the connection"}, 2) == (report.causes, api.opened)


async def test_a_viewer_who_does_not_answer_delays_nobody(api: ManagementApi, sender: Sender):
    for n in range(LANES - 1):
        api.answers[f"viewer-{n}"].append(Trouble.HANG)
    began = time.monotonic()

    report = await send(sender, to_each(200))

    assert {Outcome.TIMED_OUT: LANES - 1, Outcome.SENT: 200 - LANES + 1} == report.counts()
    assert {Outcome.TIMED_OUT: f"no answer within {POST_S} s"} == report.causes
    assert POST_S < time.monotonic() - began < (LANES - 1) * POST_S


async def test_lanes_that_all_had_to_wait_go_on(api: ManagementApi, sender: Sender):
    for n in range(LANES):
        api.answers[f"viewer-{n}"].append(Trouble.HANG)

    report = await send(sender, to_each(20))

    assert {Outcome.TIMED_OUT: LANES, Outcome.SENT: 20 - LANES} == report.counts()


async def test_a_connection_that_takes_too_long_to_open_is_given_up(api: ManagementApi, sender: Sender):
    api.opens_after_s = 60

    report = await send(sender, to_each(1))

    assert {Outcome.TIMED_OUT: 1} == report.counts()


async def test_an_answer_that_comes_after_all_is_nobody_elses(api: ManagementApi, sender: Sender):
    api.delay_s = 2 * POST_S
    late = await send(sender, {"late": ["one", "two"]})
    api.delay_s = 0

    report = await send(sender, {"gone": ["frame"]} | to_each(8))

    assert {"late": Outcome.TIMED_OUT} == late.outcomes
    assert {Outcome.SENT: 9} == report.counts()
    assert ["one"] == api.messages("late")


async def test_when_the_time_is_up_everybody_left_is_dropped(api: ManagementApi):
    sender = Sender(api.open, LANES, post_s=60)
    for n in range(LANES):
        api.answers[f"viewer-{n}"].append(Trouble.HANG)
    began = time.monotonic()

    report = await send(sender, {"viewer-sent": ["frame"]} | to_each(10), patience_s=0.5)

    assert 0.5 <= time.monotonic() - began < 5
    assert {Outcome.SENT: 1, Outcome.TIMED_OUT: 10} == report.counts()
    assert {Outcome.TIMED_OUT: "the invocation's time was up"} == report.causes
    await sender.close()


async def test_after_the_time_is_up_nothing_is_posted(api: ManagementApi, sender: Sender):
    api.delay_s = 60
    await send(sender, to_each(100, "one", "two"), patience_s=0.01)

    api.delay_s = 0
    report = await send(sender, {"next": ["frame"]})

    assert ({"next": Outcome.SENT}, LANES + 1) == (report.outcomes, len(api.posts))


@pytest.mark.parametrize("patience_s", [0, -3])
async def test_without_time_nothing_is_posted(api: ManagementApi, sender: Sender, patience_s: float):
    report = await send(sender, to_each(10), patience_s)

    assert ({Outcome.TIMED_OUT: 10}, []) == (report.counts(), api.posts)


async def test_connections_that_were_idle_for_long_are_not_trusted(api: ManagementApi):
    sender = Sender(api.open, LANES, idle_s=0)
    await send(sender, to_each(1))

    report = await send(sender, to_each(1))

    assert ({"viewer-0": Outcome.SENT}, 2) == (report.outcomes, api.opened)
    await sender.close()


async def test_one_client_that_does_not_read_is_dropped_alone(api: ManagementApi, sender: Sender):
    api.answers["viewer-7"].append(429)

    report = await send(sender, to_each(100))

    assert {Outcome.THROTTLED: 1, Outcome.SENT: 99} == report.counts()


async def test_when_many_are_refused_everybody_pauses_and_then_goes_on(api: ManagementApi, sender: Sender):
    for n in range(4):
        api.answers[f"viewer-{n}"].append(429)
    began = time.monotonic()

    report = await send(sender, to_each(100, "one", "two"))

    assert {Outcome.THROTTLED: 4, Outcome.SENT: 96} == report.counts()
    assert time.monotonic() - began >= 0.1
    assert [["one", "two"]] * 96 == [api.messages(viewer) for viewer in list(to_each(100))[4:]]


async def test_a_pause_lasts_into_the_next_invocation(api: ManagementApi, sender: Sender):
    for n in range(4):
        api.answers[f"viewer-{n}"].append(429)
    began = time.monotonic()
    await send(sender, to_each(4))

    report = await send(sender, {"next": ["frame"]})

    assert {Outcome.SENT: 1} == report.counts()
    assert time.monotonic() - began >= 0.1


async def test_the_slowest_of_a_hundred_posts_is_the_99th_percentile():
    report = Report({}, {}, [n / 1000 for n in range(100)])

    assert (99, 50, 0) == (report.slowest_ms(0.99), report.slowest_ms(0.5), report.slowest_ms(0))
    assert 5 == Report({}, {}, [0.005]).slowest_ms(0.99)
