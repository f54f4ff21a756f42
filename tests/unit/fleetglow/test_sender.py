import asyncio
from random import Random

import msgspec
import pytest

from fakes.asyncio_clock import FakeAsyncClock
from fleetglow.backoff import Backoff
from fleetglow.errors import BadInput, NotRunning
from fleetglow.sender import ATTEMPTS, MAX_IN_FLIGHT, Answer, Ping, Sender, Tally


def pings(count: int) -> list[Ping]:
    return [Ping(f"d{number}", 1, 6.5, 3.4) for number in range(count)]


def taken(accepted: int, *rejected: dict[str, object]) -> Answer:
    return Answer(202 if accepted else 400, msgspec.json.encode({"accepted": accepted, "rejected": rejected}))


class Script:
    """A server that gives the scripted answers in order, the last one for ever; None is a connection that broke."""

    def __init__(self, *answers: Answer | None) -> None:
        self._answers = list(answers)
        self.bodies: list[bytes] = []

    async def __call__(self, body: bytes) -> Answer:
        self.bodies.append(body)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            raise ConnectionError("it broke")
        return answer


async def send(server: Script, *batches: list[Ping], clock: FakeAsyncClock | None = None) -> Tally:
    sender = Sender(server, clock or FakeAsyncClock(), Backoff(0.25, 8, Random(1)))
    for batch in batches:
        await sender.submit(batch)
    await sender.finish()
    return sender.tally


async def test_pings_are_sent_as_the_server_expects_them():
    server = Script(taken(1))

    await send(server, [Ping("d1", 1_000, 6.5, 3.4, speed=8.3)])

    assert {"pings": [{"driver_id": "d1", "sampled_at": 1000, "lat": 6.5, "lon": 3.4, "speed": 8.3}]} == (
        msgspec.json.decode(server.bodies[0])
    )


async def test_what_was_accepted_and_rejected_is_counted():
    rejection = {"index": 1, "code": "out_of_range", "message": "lat: expected less"}
    tally = await send(Script(taken(2, rejection)), pings(3))

    assert (3, 2, 1) == (tally.sent, tally.accepted, tally.rejected)
    assert {"out_of_range: lat: expected less": 1} == tally.reasons


async def test_a_refusal_of_the_whole_request_rejects_each_of_its_pings():
    body = msgspec.json.encode({"code": "too_large", "message": "body: expected less"})
    tally = await send(Script(Answer(413, body)), pings(4))

    assert (0, 4) == (tally.accepted, tally.rejected)
    assert {"too_large: body: expected less": 4} == tally.reasons


@pytest.mark.parametrize("trouble", [Answer(429, b""), Answer(500, b""), Answer(503, b"{}"), None])
async def test_a_busy_server_is_asked_again_and_the_ping_counts_once(trouble: Answer | None):
    server = Script(trouble, trouble, taken(5))
    tally = await send(server, pings(5))

    assert (5, 5, 0, 2) == (tally.sent, tally.accepted, tally.rejected, tally.retries)
    assert 3 == len(server.bodies)


def early(index: int) -> dict[str, object]:
    return {"index": index, "code": "rate_limited", "message": f"driver_id: {index}", "retry_after_ms": 20_000}


async def test_pings_that_came_too_fast_are_sent_again_after_the_pause_and_only_they():
    clock = FakeAsyncClock()
    bad = {"index": 0, "code": "out_of_range", "message": "lat: expected less"}
    server = Script(taken(2, bad, early(1), early(3)), taken(2))

    tally = await send(server, pings(5), clock=clock)

    assert [["d0", "d1", "d2", "d3", "d4"], ["d1", "d3"]] == [
        [ping["driver_id"] for ping in msgspec.json.decode(body)["pings"]] for body in server.bodies
    ]
    assert (5, 4, 1, 1) == (tally.sent, tally.accepted, tally.rejected, tally.retries)
    assert [20] == clock.slept


async def test_pings_that_come_too_fast_for_ever_are_rejected_in_the_end():
    tally = await send(Script(taken(1, early(0)), taken(0, early(0))), pings(2))

    assert (1, 1) == (tally.accepted, tally.rejected)
    assert {"rate_limited: driver_id: 0": 1} == tally.reasons


async def test_a_request_is_given_up_after_some_attempts():
    server = Script(taken(1), None)
    tally = await send(server, pings(1), pings(2))

    assert (3, 1, 2) == (tally.sent, tally.accepted, tally.rejected)
    assert 1 + ATTEMPTS == len(server.bodies)


async def test_a_server_that_never_answered_is_an_error():
    with pytest.raises(NotRunning, match="it broke"):
        await send(Script(None), pings(1))


async def test_a_refused_token_is_an_error_at_once():
    server = Script(Answer(403, b"{}"))
    with pytest.raises(BadInput, match="pings:write"):
        await send(server, pings(1))

    assert 1 == len(server.bodies)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"code":"expired","message":"token: it is over"}', "token: expected one that is still valid, got one that"),
        (b'{"message":"Unauthorized"}', "token: expected a valid one, the server answered 401"),
        (b"", "token: expected a valid one, the server answered 401"),
    ],
)
async def test_an_expired_token_is_told_from_one_that_is_none(body: bytes, told: str):
    with pytest.raises(BadInput, match=f"^{told}"):
        await send(Script(Answer(401, body)), pings(1))


async def test_the_server_may_ask_for_a_longer_pause():
    clock = FakeAsyncClock()
    await send(Script(Answer(429, b"", retry_after_s=20), taken(1)), pings(1), clock=clock)

    assert [20] == clock.slept


async def test_only_so_many_requests_are_under_way():
    under_way = most = 0

    async def post(_body: bytes) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return taken(1)

    sender = Sender(post, FakeAsyncClock())
    for _ in range(3 * MAX_IN_FLIGHT):
        await sender.submit(pings(1))
    await sender.finish()

    assert MAX_IN_FLIGHT == most
    assert 3 * MAX_IN_FLIGHT == sender.tally.accepted


def test_percentiles_are_latencies_that_occurred():
    tally = Tally()
    tally.latencies_ms.extend(float(number) for number in range(1, 101))

    assert 50 == tally.percentile_ms(0.5)
    assert 99 == tally.percentile_ms(0.99)


def test_without_any_answer_there_is_no_percentile():
    assert Tally().percentile_ms(0.5) is None


def test_waits_double_up_to_the_longest():
    backoff = Backoff(0.5, 4, Random(1))

    assert all(0 <= backoff.wait_s(1) <= 0.5 for _ in range(50))
    assert all(0 <= backoff.wait_s(40) <= 4 for _ in range(50))
    assert max(backoff.wait_s(40) for _ in range(50)) > 2
