"""Pings for the stack here find it again after it was ended and started anew."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from fakes.asyncio_clock import FakeAsyncClock
from fleetglow.errors import NotRunning
from fleetglow.follower import LOOK_EVERY_S, Follower, Target
from fleetglow.sender import Answer, Post

OLD, NEW = Target("http://here/old", "old token"), Target("http://here/new", "new token")
TAKEN, UNKNOWN = Answer(202, b"{}"), Answer(404, b"{}")


class Machine:
    """Where the stack may be; `answers` is what comes from each place, None that nothing does."""

    def __init__(self) -> None:
        self.stack: Target | None = OLD
        self.answers: dict[Target, Answer | None] = {OLD: TAKEN, NEW: TAKEN}
        self.looks = 0
        self.opened: list[Target] = []
        self.closed: list[Target] = []

    def find(self) -> Target:
        self.looks += 1
        if self.stack is None:
            raise NotRunning("no stack is deployed")
        return self.stack

    def open_to(self, target: Target) -> AbstractAsyncContextManager[Post]:
        return self._open_to(target)

    @asynccontextmanager
    async def _open_to(self, target: Target) -> AsyncIterator[Post]:
        self.opened.append(target)

        async def post(body: bytes) -> Answer:
            answer = self.answers[target]
            if answer is None:
                raise ConnectionError("refused")
            return answer

        yield post
        self.closed.append(target)

    def move(self, old: Answer | None) -> None:
        """The stack is elsewhere; its old place answers this."""
        self.stack, self.answers[OLD] = NEW, old


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock() -> FakeAsyncClock:
    return FakeAsyncClock()


@pytest.fixture
async def post(machine: Machine, clock: FakeAsyncClock) -> AsyncIterator[Follower]:
    async with Follower(OLD, machine.find, machine.open_to, clock) as follower:
        yield follower


async def test_as_long_as_it_answers_nobody_looks_for_it(machine: Machine, post: Follower):
    assert TAKEN == await post(b"")
    assert (0, [OLD]) == (machine.looks, machine.opened)


@pytest.mark.parametrize("old", [None, UNKNOWN, Answer(403, b""), Answer(401, b""), Answer(200, b"")])
async def test_a_stack_that_has_moved_is_found_at_the_next_attempt(
    machine: Machine, post: Follower, old: Answer | None
):
    machine.move(old)
    with pytest.raises(ConnectionError):
        await post(b"")

    assert TAKEN == await post(b"")
    assert [OLD, NEW] == machine.opened


async def test_while_it_is_away_an_answer_from_its_old_place_is_none(
    machine: Machine, post: Follower, clock: FakeAsyncClock
):
    machine.stack, machine.answers[OLD] = None, UNKNOWN
    for _ in range(3):
        with pytest.raises(ConnectionError, match="no stack is deployed"):
            await post(b"")
    assert 1 == machine.looks

    machine.stack = NEW
    await clock.sleep(LOOK_EVERY_S)
    with pytest.raises(ConnectionError, match="the stack has moved to http://here/new"):
        await post(b"")
    assert TAKEN == await post(b"")


async def test_a_stack_that_has_not_moved_may_refuse_what_it_likes(machine: Machine, post: Follower):
    machine.answers[OLD] = Answer(403, b"no")

    assert Answer(403, b"no") == await post(b"")


async def test_one_that_was_away_and_comes_back_where_it_was_is_believed_again(
    machine: Machine, post: Follower, clock: FakeAsyncClock
):
    machine.stack, machine.answers[OLD] = None, UNKNOWN
    with pytest.raises(ConnectionError):
        await post(b"")
    machine.stack = OLD
    await clock.sleep(LOOK_EVERY_S)

    assert UNKNOWN == await post(b"")


async def test_what_was_opened_is_closed_in_the_end(machine: Machine, clock: FakeAsyncClock):
    async with Follower(OLD, machine.find, machine.open_to, clock) as post:
        machine.move(None)
        with pytest.raises(ConnectionError):
            await post(b"")

    assert {OLD, NEW} == set(machine.closed)
