"""A lane whose connections take as long to open, and fail as, a test wants."""

import asyncio

import pytest

from adapters.management.http_connection import HttpConnection, Owner
from adapters.management.lane import Lane, Lost
from adapters.management.responses import Response
from fakes.management_api import ManagementApi

REQUEST = b"POST /live/@connections/viewer HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


class Results:
    """What a lane told of its posts."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Response | Lost] = asyncio.Queue()

    def __call__(self, lane: Lane, result: Response | Lost) -> None:
        self._told.put_nowait(result)

    async def next(self) -> Response | Lost:
        async with asyncio.timeout(5):
            return await self._told.get()

    @property
    def is_empty(self) -> bool:
        return self._told.empty()


@pytest.fixture
def api() -> ManagementApi:
    return ManagementApi()


async def test_a_post_that_finds_no_connection_opens_one(api: ManagementApi):
    results = Results()
    lane = Lane(api.open)

    lane.post(REQUEST, results)

    assert Response(200, b"", True) == await results.next()
    assert lane.is_open


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (ConnectionRefusedError("nobody listens"), "ConnectionRefusedError: nobody listens"),
        (UnicodeError("label too long"), "UnicodeError: label too long"),
        (RuntimeError("a mistake of ours"), "RuntimeError: a mistake of ours"),
        (asyncio.CancelledError(), "CancelledError: "),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_whatever_opening_fails_with_the_post_ends_and_the_next_one_is_made(
    api: ManagementApi, failure: BaseException, cause: str
):
    results = Results()
    failures = [failure]

    async def open_connection(owner: Owner) -> HttpConnection:
        if failures:
            raise failures.pop()
        return await api.open(owner)

    lane = Lane(open_connection)

    lane.post(REQUEST, results)
    assert Lost(cause) == await results.next()

    lane.post(REQUEST, results)
    assert Response(200, b"", True) == await results.next()


@pytest.mark.parametrize("steps", range(6))
async def test_a_lane_that_is_closed_while_it_opens_leaves_no_connection_open(api: ManagementApi, steps: int):
    results = Results()
    opened: list[HttpConnection] = []

    async def open_connection(owner: Owner) -> HttpConnection:
        opened.append(await api.open(owner))
        return opened[-1]

    lane = Lane(open_connection)
    lane.post(REQUEST, results)
    for _ in range(steps):
        await asyncio.sleep(0)

    lane.close()
    for _ in range(10):
        await asyncio.sleep(0)

    assert [] == [connection for connection in opened if connection.is_open]
    assert not lane.is_open
    assert results.is_empty


async def test_a_lane_that_was_closed_while_it_opened_can_be_used_at_once(api: ManagementApi):
    results = Results()
    lane = Lane(api.open)
    lane.post(REQUEST, results)
    await asyncio.sleep(0)
    lane.close()

    lane.post(REQUEST, results)

    assert Response(200, b"", True) == await results.next()
    assert (1, True) == (len(api.posts), results.is_empty)
