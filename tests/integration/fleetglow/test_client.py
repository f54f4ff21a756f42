"""The client against a WebSocket server on this machine, which speaks the protocol and misbehaves on request."""

import asyncio
import inspect
import re
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import fields
from pathlib import Path

import aiohttp
import pytest

from fakes.live_server import TOKEN, LiveServer
from fleetglow.backoff import Backoff
from fleetglow.client import BadInput, BBox, HeatmapClient, HeatmapView, Patience, Told, Watch
from minting import a_token

DEADLINE_S = 10
README = Path(__file__).parents[3] / "README.md"
CLIENTS = README.parent / "docs" / "clients.md"
BOX = BBox(6.42, 3.38, 6.47, 3.43)
CELL, OTHER = "s14ks00", "s14kt2x"
QUICK = Patience(answer_s=0.3, reconnect=Backoff(0.01, 0.01), again=Backoff(0.01, 0.01))


@pytest.fixture
async def live() -> AsyncIterator[LiveServer]:
    server = LiveServer()
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def connected(live: LiveServer, token: Told = TOKEN) -> AsyncIterator[HeatmapClient]:
    # Here and not in the fixture, which is a task of its own.
    async with asyncio.timeout(DEADLINE_S), HeatmapClient(live.websocket_url, token, patience=QUICK) as client:
        yield client


async def until(watch: Watch, wanted: Callable[[HeatmapView], bool]) -> HeatmapView:
    """The first view that is as wanted."""
    async with aclosing(watch.views()) as views:
        async for view in views:
            if wanted(view):
                return view
    raise AssertionError("the watch was closed")


def is_shown(view: HeatmapView) -> bool:
    return view.epoch is not None


@pytest.mark.parametrize("encoding", ["json", "deflate"])
async def test_a_viewer_sees_the_snapshot_and_follows_the_deltas(live: LiveServer, encoding: str):
    await live.change({CELL: 3})
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX, encoding=encoding)
        first = await until(lagos, is_shown)
        await live.change({OTHER: 1})
        second = await until(lagos, lambda view: view.drivers == 4)

    assert {CELL: 3} == first.cells
    assert {CELL: 3, OTHER: 1} == second.cells
    assert ("connected", "lagos/7/s14ks-s14ky", 3) == (second.link, second.subscription, second.rev)
    assert (2, 1, 0, 0, 1) == (second.frames, second.snapshots, second.gaps, second.resumes, second.connections)
    assert 0 <= second.delay_ms < DEADLINE_S * 1000


async def test_several_viewports_share_one_connection(live: LiveServer):
    async with connected(live) as client:
        lagos, nairobi = client.watch("lagos", 6), client.watch("nairobi", 8, BBox(-1.3, 36.8, -1.29, 36.81))
        await live.change({CELL: 3})
        await live.change({"kzf0tv5": 7}, city="nairobi")
        coarse = await until(lagos, lambda view: view.drivers == 3)
        await until(nairobi, lambda view: view.drivers == 7)

    assert {CELL[:6]: 3} == coarse.cells
    assert [TOKEN] == live.tried


async def test_a_viewer_who_missed_a_delta_resumes(live: LiveServer):
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX)
        await until(lagos, is_shown)
        await live.change({CELL: 3}, lose=True)
        await live.change({OTHER: 1})
        view = await until(lagos, lambda view: view.cells == {CELL: 3, OTHER: 1})

    assert (1, 1, 1) == (view.gaps, view.resumes, view.snapshots)


async def test_a_viewer_is_in_step_however_much_is_lost(live: LiveServer):
    async with connected(live) as client:
        watches = [client.watch("lagos", 7, BOX), client.watch("lagos", 7, encoding="json")]
        for watch in watches:
            await until(watch, is_shown)
        live.loss = 0.3
        for n in range(60):
            await live.change({CELL: n, OTHER: n % 3})
            await asyncio.sleep(0)
        live.loss = 0
        await live.heartbeat()
        for watch in watches:
            view = await until(watch, lambda view: view.cells == {CELL: 59, OTHER: 2})
            assert 0 < view.gaps <= view.resumes


async def test_a_viewer_comes_back_and_resumes_after_its_connection_broke(live: LiveServer):
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX)
        await until(lagos, is_shown)
        live.accepting = False
        await live.drop()
        away = await until(lagos, lambda view: view.link != "connected")
        await live.change({CELL: 3})
        live.accepting = True
        back = await until(lagos, lambda view: view.drivers == 3)

    assert "reconnecting" == away.link
    assert ("connected", 2, 1) == (back.link, back.connections, back.snapshots)
    assert {"epoch": "e1", "rev": 1} == live.subscribes[-1]["since"]


async def test_a_viewer_waits_for_a_server_that_is_not_there_yet(live: LiveServer):
    live.accepting = False
    async with connected(live) as client:
        lagos = client.watch("lagos", 7)
        first = await until(lagos, lambda _: len(live.tried) >= 0)
        while len(live.tried) < 3:  # noqa: ASYNC110 - it is the server that is to be tried
            await asyncio.sleep(0.01)
        live.accepting = True
        await until(lagos, is_shown)

    assert ("connecting", {}, None) == (first.link, first.cells, first.epoch)


async def test_a_server_that_does_not_answer_is_given_up(live: LiveServer):
    live.silent = True
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX)
        await until(lagos, lambda view: view.connections == 2)
        live.silent = False
        await until(lagos, is_shown)


async def test_a_silent_viewport_is_asked_for_again_on_the_same_connection(live: LiveServer):
    live.heartbeat_seconds = 0.1
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX)
        await until(lagos, is_shown)
        await live.change({CELL: 3}, lose=True)
        view = await until(lagos, lambda view: view.drivers == 3)

    assert (1, 0) == (view.connections, view.gaps)


async def test_a_state_born_anew_replaces_the_old_one(live: LiveServer):
    await live.change({CELL: 3})
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX)
        await until(lagos, is_shown)
        await live.lose_state()
        view = await until(lagos, lambda view: view.epoch == "e2")

    assert {} == view.cells


async def test_a_frame_may_overtake_its_ack(live: LiveServer):
    live.frame_first = True
    await live.change({CELL: 3})
    async with connected(live) as client:
        view = await until(client.watch("lagos", 7, BOX), is_shown)

    assert {CELL: 3} == view.cells
    assert 1 == len(live.subscribes)


async def test_what_the_server_cannot_do_now_is_asked_for_again(live: LiveServer):
    live.refuse_next("subscribe", "unavailable", "the live state did not answer")
    live.fail_next("subscribe")
    async with connected(live) as client:
        await until(client.watch("lagos", 7, BOX), is_shown)

    assert (3, 1) == (len(live.subscribes), len(live.tried))


async def test_a_refused_token_is_an_error_for_all_and_no_loop(live: LiveServer):
    async with connected(live, "bad") as client:
        for watch in (client.watch("lagos", 7), client.watch("nairobi", 7)):
            with pytest.raises(BadInput, match="token: expected a valid one, the server answered 401"):
                await until(watch, lambda _: False)
        with pytest.raises(BadInput, match="token"):
            await client.hello()

    assert ["bad"] == live.tried


async def test_a_refused_token_that_has_expired_is_told_as_such(live: LiveServer):
    async with connected(live, a_token(exp=1)) as client:
        with pytest.raises(BadInput, match=r"^token: expected one that is still valid, got one that has expired$"):
            await client.hello()


@pytest.mark.parametrize("token", ["refused-as-subprotocol", "refused=in the query"])
async def test_what_is_printed_of_a_refusal_holds_no_token(live: LiveServer, token: str):
    async with connected(live, token) as client:
        with pytest.raises(BadInput) as caught:
            await until(client.watch("lagos", 7), is_shown)

    assert [token] == live.tried
    assert "refused" not in "".join(traceback.format_exception(caught.value))


async def test_a_token_is_in_the_url_only_if_it_cannot_be_a_subprotocol(live: LiveServer):
    for token in (TOKEN, "no=subprotocol, this"):
        live.tokens.add(token)
        async with connected(live, token) as client:
            await client.hello()

    assert ["", "no=subprotocol, this"] == live.in_urls


async def test_a_token_may_be_longer_than_a_url(live: LiveServer):
    long = "t" * 5_000
    live.tokens.add(long)
    async with connected(live, long) as client:
        await until(client.watch("lagos", 7), is_shown)


async def test_a_token_that_fits_nowhere_is_an_error_and_no_loop(live: LiveServer):
    async with connected(live, "=" + "t" * 5_000) as client:
        with pytest.raises(BadInput, match=r"^connection: expected one that the server takes, it answered 414$"):
            await until(client.watch("lagos", 7), is_shown)

    assert 1 == len(live.tried)


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_server_that_will_never_take_the_connection_ends_the_client(live: LiveServer, status: int):
    live.accepting, live.away_status = False, status
    async with connected(live) as client:
        with pytest.raises(BadInput, match=f"connection: .*, it answered {status}"):
            await client.hello()

    assert 1 == len(live.tried)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_server_that_has_no_room_or_time_is_tried_again(live: LiveServer, status: int):
    live.accepting, live.away_status = False, status
    async with connected(live) as client:
        while len(live.tried) < 3:  # noqa: ASYNC110 - it is the server that is to be tried
            await asyncio.sleep(0.01)
        live.accepting = True
        await client.hello()


async def test_each_connection_has_a_fresh_token_from_a_function_plain_or_async(live: LiveServer):
    live.tokens = {"first", "second"}
    fresh = iter(["first", "second"])

    async def token() -> str:
        return next(fresh)

    async with connected(live, token) as client:
        lagos = client.watch("lagos", 7)
        await until(lagos, is_shown)
        await live.drop()
        await until(lagos, lambda view: view.connections == 2)
    async with connected(live, lambda: "second") as client:
        await until(client.watch("lagos", 7), is_shown)

    assert ["first", "second", "second"] == live.tried


async def test_a_server_that_has_moved_is_found_where_a_function_says(live: LiveServer):
    moved = LiveServer()
    await moved.start()
    where = [live.websocket_url, "ws://127.0.0.1:1/live", moved.websocket_url]

    async def url() -> str:
        return where.pop(0) if len(where) > 1 else where[0]

    async with asyncio.timeout(DEADLINE_S), HeatmapClient(url, TOKEN, patience=QUICK) as client:
        lagos = client.watch("lagos", 7)
        await until(lagos, is_shown)
        await live.stop()
        view = await until(lagos, lambda view: view.connections == 2 and is_shown(view))
    await moved.stop()

    assert (None, "connected") == (view.trouble, view.link)


async def test_a_view_says_why_there_is_no_connection(live: LiveServer):
    live.accepting = False
    async with connected(live) as client:
        lagos = client.watch("lagos", 7)
        away = await until(lagos, lambda view: view.trouble is not None)
        live.accepting = True
        there = await until(lagos, is_shown)
        await live.drop()
        ended = await until(lagos, lambda view: view.link == "reconnecting")

    assert "the server answered 503" == away.trouble
    assert (None, "the server ended the connection (1001)") == (there.trouble, ended.trouble)


async def test_a_refused_viewport_is_an_error_for_that_one_only(live: LiveServer):
    async with connected(live) as client:
        atlantis, lagos = client.watch("atlantis", 7), client.watch("lagos", 7)
        with pytest.raises(BadInput, match="city: expected one of lagos, nairobi"):
            await until(atlantis, lambda _: False)
        await until(lagos, is_shown)

    assert [TOKEN] == live.tried


async def test_a_closed_watch_ends_and_is_unsubscribed(live: LiveServer):
    async with connected(live) as client:
        lagos, nairobi = client.watch("lagos", 7), client.watch("nairobi", 7)
        await until(lagos, is_shown)
        seen = asyncio.create_task(until(lagos, lambda _: False))
        await asyncio.sleep(0)
        await lagos.close()
        await lagos.close()

        with pytest.raises(AssertionError, match="the watch was closed"):
            await seen
        await until(nairobi, is_shown)
        while len(live.watched) > 1:  # noqa: ASYNC110 - it is the server that is to hear of it
            await asyncio.sleep(0.01)

    assert ["nairobi"] == [name.split("/")[0] for name in live.watched] or [] == live.watched
    assert [lagos.view.subscription] == [message["subscription"] for message in live.unsubscribes]


async def test_two_watches_of_a_viewport_share_a_subscription_and_neither_sees_anything_twice(live: LiveServer):
    seen: list[list[HeatmapView]] = [[], []]

    async def collect(watch: Watch, views: list[HeatmapView]) -> None:
        async for view in watch.views():
            views += [view]

    async with connected(live) as client, asyncio.TaskGroup() as tasks:
        await client.hello()
        watches = [client.watch("lagos", 7, BOX), client.watch("lagos", 7, BOX)]
        for watch, views in zip(watches, seen, strict=True):
            tasks.create_task(collect(watch, views))
        for n in range(4):
            if n:
                await live.change({CELL: n})
            while not all(views and views[-1].epoch and views[-1].drivers == n for views in seen):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for watch in watches:
            await watch.close()

    assert 1 == len(live.subscribes)
    for views in seen:
        shown = [(view.cells, view.snapshots) for view in views if view.epoch or not view.subscription]
        assert [({}, 0), ({}, 1), ({CELL: 1}, 1), ({CELL: 2}, 1), ({CELL: 3}, 1)] == shown


async def test_a_second_watch_shows_at_once_what_the_first_knows(live: LiveServer):
    await live.change({CELL: 3})
    async with connected(live) as client:
        await until(client.watch("lagos", 7, BOX), is_shown)

        assert {CELL: 3} == client.watch("lagos", 7, BOX).view.cells


async def test_a_viewport_is_unsubscribed_when_its_last_watch_is_closed(live: LiveServer):
    async with connected(live) as client:
        first, second = client.watch("lagos", 7, BOX), client.watch("lagos", 7, BOX)
        await until(first, is_shown)
        await first.close()
        await live.change({CELL: 3})
        await until(second, lambda view: view.drivers == 3)
        assert [] == live.unsubscribes

        await second.close()
        while not live.unsubscribes:  # noqa: ASYNC110 - it is the server that is to hear of it
            await asyncio.sleep(0.01)


async def test_the_end_of_the_client_is_the_end_of_its_watches(live: LiveServer):
    async with connected(live) as client:
        lagos = client.watch("lagos", 7)
        await until(lagos, is_shown)
        seen = asyncio.create_task(until(lagos, lambda _: False))
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="the watch was closed"):
        await seen


async def test_a_slow_consumer_sees_the_latest_view_and_none_in_between(live: LiveServer):
    async with connected(live) as client:
        lagos = client.watch("lagos", 7, BOX)
        async with aclosing(lagos.views()) as views:
            async for view in views:
                if view.epoch is not None:
                    break
            for n in range(1, 21):
                await live.change({CELL: n})
            while lagos.feed.state.rev < 21:  # noqa: ASYNC110 - the client takes them in while nobody looks
                await asyncio.sleep(0.01)
            latest = await anext(views)

    assert ({CELL: 20}, {}) == (latest.cells, view.cells)


async def test_hello_tells_what_the_server_has(live: LiveServer):
    async with connected(live) as client:
        hello = await client.hello()

    assert ((4, 5, 6, 7, 8), ["lagos", "nairobi"]) == (hello.precisions, [city.name for city in hello.cities])


async def test_what_came_in_is_counted(live: LiveServer):
    async with connected(live) as client:
        await until(client.watch("lagos", 7, BOX), is_shown)
        traffic = client.traffic

    # An ack, and a snapshot in two parts.
    assert (3, 1, 0) == (traffic.messages, traffic.connections, traffic.garbled)
    assert 500 < traffic.bytes < 2000


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1/live", "ws://", "ws://[::1/live"])
def test_what_is_no_websocket_url_is_refused(url: str):
    with pytest.raises(BadInput, match="websocket_url: expected a WebSocket URL"):
        HeatmapClient(url, TOKEN)


async def test_hundreds_of_clients_share_a_session_and_are_two_tasks_each(live: LiveServer):
    many = 300
    await live.change({CELL: 3})
    connector = aiohttp.TCPConnector(limit=0)
    async with asyncio.timeout(DEADLINE_S), aiohttp.ClientSession(connector=connector) as session:
        clients = [HeatmapClient(live.websocket_url, TOKEN, session=session) for _ in range(many)]
        async with asyncio.TaskGroup() as entering:
            for client in clients:
                entering.create_task(client.__aenter__())
        watches = [client.watch("lagos", 7, BOX) for client in clients]
        for watch in watches:
            await until(watch, is_shown)
        ours = [task for task in asyncio.all_tasks() if task.get_coro().__qualname__.startswith("HeatmapClient")]
        assert 2 * many == len(ours)
        await live.change({CELL: 4})
        for watch in watches:
            assert {CELL: 4} == (await until(watch, lambda view: view.drivers == 4)).cells
        for client in clients:
            await client.__aexit__()
        assert not session.closed


async def test_a_box_may_be_four_numbers(live: LiveServer):
    async with connected(live) as client:
        with pytest.raises(BadInput, match="bbox: expected south below north"):
            client.watch("lagos", 7, (7, 3, 6, 4))

        view = await until(client.watch("lagos", 7, (6.4, 3.3, 6.6, 3.5)), lambda view: view.epoch is not None)

    assert view.epoch


def examples(page: Path) -> dict[str, Callable[..., Coroutine[object, object, None]]]:
    """The function of each example in a page, which is the last that it defines, by name."""
    found = {}
    for example in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        names: dict[str, object] = {}
        exec(example, names)  # noqa: S102 - our own documentation
        *_, function = [value for value in names.values() if inspect.iscoroutinefunction(value)]
        found[function.__name__] = function
    return found


# What each prints of a city with three drivers in one cell, at some time.
PRINTED = {
    "busiest": r"\+00:00 3 3\n",
    "two_at_once": r"(?s)(?=.*island connected 3 1\n).*mainland connected 3 \d\n",
    "offered": r"\(4, 5, 6, 7, 8\) .*'nairobi', \(-1.45,",
    "refused": r"city: expected one of lagos, nairobi, .*got \"?atlantis",
    "for_days": r"connected 1 3\n",
}


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in (README, CLIENTS) for name in examples(page)],
    ids=lambda part: getattr(part, "stem", part),
)
async def test_the_examples_of_the_documentation_run(
    live: LiveServer, capsys: pytest.CaptureFixture[str], page: Path, name: str
):
    async def token() -> str:
        return TOKEN

    known = {"websocket_url": live.websocket_url, "token": TOKEN, "new_token": token}
    example = examples(page)[name]
    await live.change({CELL: 3})

    running = asyncio.create_task(example(**{each: known[each] for each in inspect.signature(example).parameters}))
    printed = ""
    async with asyncio.timeout(DEADLINE_S):
        while not re.search(PRINTED[name], printed):
            await asyncio.sleep(0.01)
            printed += capsys.readouterr().out
    running.cancel()


def test_what_the_python_client_has_is_documented():
    text = CLIENTS.read_text()
    attributes = [field.name for field in fields(HeatmapView)]

    assert [] == [name for name in attributes if f"`{name}`" not in text]
