"""What viewers without `drivers:read` are told of drivers who move at random: real functions on a real state."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from adapters.lease import Lease
from adapters.live_state import TOMBSTONE_MS, LiveState
from adapters.publisher import CITIES, OUTAGE, Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from broadcast.broadcaster import Broadcaster
from connections import app
from connections.viewers import Viewers
from factories import LAGOS, NOW, LambdaContext, a_ping, a_record, a_rest_event, a_socket_event, an_sqs_event
from fakes.clock import FakeClock
from fakes.queue import FakeQueue
from fleetglow.protocol import Delta, Heartbeat, Snapshot, decode
from fleetglow.viewer_state import ViewerState
from heatmap import records
from heatmap.cells import cell_of
from heatmap.errors import Unavailable
from heatmap.frames import Encoding
from heatmap.privacy import Published, published
from heatmap.register import merged
from heatmap.state import Outcome, Publication, Publishing, Stamp, View
from heatmap.viewports import Audience
from query import app as query

LEAST = 3
TICK = 3_000
SETTINGS = BroadcastSettings(tick_ms=TICK, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=4_000)
PUBLIC, EXACT = "heatmap:read", "heatmap:read drivers:read"
PUBLISHED = (4, 5, 6, 7)
CELL = cell_of(*LAGOS, 7)
BEIJING = (39.9, 116.4)
PAGE = Path(__file__).parents[2] / "docs/privacy.md"


class FlakyState(LiveState):
    """A state that some cities can be published to, and others cannot.

    Attributes:
        lost: the cities that do not answer.
        read_from: for each city the revisions after which its exact counts were asked for.
    """

    def __init__(self, client: redis.Redis, precisions: tuple[int, ...]) -> None:
        super().__init__(client, precisions)
        self.lost: set[str] = set()
        self.read_from: defaultdict[str, list[int]] = defaultdict(list)

    def view(
        self, city: str, precision: int, since: int = 0, epoch: str = "", audience: Audience = Audience.EXACT
    ) -> View:
        if audience is Audience.EXACT:
            self.read_from[city].append(since)
        return super().view(city, precision, since, epoch, audience)

    def publish(self, city: str, changes: Publication) -> Publishing:
        if city in self.lost:
            raise Unavailable(f"{city} did not answer")
        return super().publish(city, changes)


class Screen:
    """A viewer of Lagos at one precision."""

    def __init__(self, connection: str, precision: int, scope: str) -> None:
        self.connection, self.precision, self.scope = connection, precision, scope
        self.shown = ViewerState()

    def take(self, messages: list[dict[str, Any]]) -> list[Snapshot | Delta | Heartbeat]:
        """Show what came, which must be all that was missing."""
        taken = [decode(json.dumps(message)) for message in messages]
        frames = [frame for frame in taken if isinstance(frame, Snapshot | Delta | Heartbeat)]
        mine = [frame for frame in frames if frame.subscription.startswith(f"lagos/{self.precision}/")]
        for frame in mine:
            self.shown.receive(frame)
        assert not self.shown.is_behind
        return mine


class Town:
    """Lagos: drivers, broadcaster, functions, and what they send.

    Attributes:
        told: every message to a viewer who may not see single drivers.
    """

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.state = FlakyState(client, (4, 5, 6, 7, 8))
        self.clock, self.queue = FakeClock(NOW - NOW % TICK + 100), FakeQueue()
        self.registry = Registry(client)
        self.told: list[dict[str, Any]] = []
        self.start_anew()

    def start_anew(self) -> None:
        """New functions, which remember nothing."""
        publisher = Publisher(self.state, LEAST)
        self.broadcaster = Broadcaster(
            self.state,
            publisher,
            Lease(self.client),
            self.registry,
            self.queue,
            SETTINGS,
            self.clock,
            self.clock.sleep,
        )
        self.viewers = Viewers(self.state, Publisher(self.state, LEAST), self.registry, self.queue, self.clock)

    def ping(self, *drivers: str, position: tuple[float, float] = LAGOS) -> None:
        """Drivers tell where they are."""
        self.drive(dict.fromkeys(drivers, position))

    def drive(self, positions: dict[str, tuple[float, float]]) -> None:
        pings = [a_ping(driver, self.clock.now, position) for driver, position in positions.items()]
        self.state.apply(merged([records.decode(a_record(*pings))]), self.clock.now)

    def tick(self) -> None:
        self.broadcaster.run(until=self.clock.now + TICK)

    def send(self, route: str, connection: str, scope: str, **fields: Any) -> dict[str, Any]:
        event = a_socket_event(route, {"action": route, **fields}, connection, scope)
        answer: dict[str, Any] = json.loads(app.lambda_handler(event, LambdaContext())["body"])
        return answer

    def subscribe(self, screen: Screen) -> dict[str, Any]:
        since = screen.shown.since
        resume = {"since": {"epoch": since.epoch, "rev": since.rev}} if since else {}
        return self.send(
            "subscribe", screen.connection, screen.scope, city="lagos", precision=screen.precision, **resume
        )

    def take(self, *screens: Screen) -> list[list[Snapshot | Delta | Heartbeat]]:
        """Bring to each what was sent to it."""
        sent = {screen.connection: self.queue.messages(screen.connection) for screen in screens}
        self.told += [each for screen in screens if screen.scope == PUBLIC for each in sent[screen.connection]]
        self.queue.take_messages("")
        return [screen.take(sent[screen.connection]) for screen in screens]

    def published(self) -> Published:
        """What the rule makes of the exact state."""
        return published(self.exact(7), PUBLISHED, LEAST)

    def exact(self, precision: int) -> dict[str, int]:
        return {cell: n for cell, n in self.state.view("lagos", precision).cells.items() if n}


@pytest.fixture
def town(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Town:
    town = Town(client)
    monkeypatch.setattr(app, "viewers", lambda: town.viewers)
    monkeypatch.setattr(query, "state", lambda: town.state)
    monkeypatch.setattr(query, "now", town.clock)
    for cached in (query.published_of, query.published_stats_of):
        cached.cache_clear()
    return town


@pytest.fixture
def screen(town: Town) -> Screen:
    """Somebody who watches what is published at precision 7."""
    screen = Screen("public-7", 7, PUBLIC)
    town.subscribe(screen)
    town.take(screen)
    return screen


def counts_in(told: object, name: str = "") -> list[int]:
    """All counts of drivers in messages and answers."""
    if isinstance(told, dict):
        if name == "cells" and all(key.isdecimal() for key in told):
            # By precision, how many cells: none of them is a count of drivers.
            return []
        inner = [each for key, value in told.items() for each in counts_in(value, key if name != "tiles" else name)]
        named = told.values() if name in {"tiles", "cells"} else [told.get("drivers")]
        return inner + [count for count in named if isinstance(count, int)]
    return [each for item in told for each in counts_in(item)] if isinstance(told, list) else []


# --- Movement at random.


def lose_everything(town: Town) -> None:
    town.client.flushall()


def lose_what_is_published(town: Town) -> None:
    town.client.delete(*town.client.keys("{lagos}:public:*"))


def restart(town: Town) -> None:
    town.start_anew()


def count_anew(town: Town) -> None:
    town.state.recount("lagos")


FAULTS: list[Callable[[Town], None] | None] = [None, restart, lose_what_is_published, count_anew, lose_everything]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__ if fault else "none")
@pytest.mark.parametrize("seed", range(3))
def test_of_drivers_who_move_at_random_viewers_see_what_is_published_and_no_more(
    town: Town, seed: int, fault: Callable[[Town], None] | None
):
    random = Random(seed)

    def somewhere() -> tuple[float, float]:
        return LAGOS[0] + 0.0014 * random.randrange(8), LAGOS[1] + 0.0014 * random.randrange(8)

    drivers = {f"driver-{n}": somewhere() for n in range(70)}
    town.drive(drivers)
    screens = [Screen(f"public-{precision}", precision, PUBLIC) for precision in PUBLISHED]
    exact = Screen("exact-7", 7, EXACT)
    for each in (*screens, exact):
        town.subscribe(each)
    town.take(*screens, exact)

    for turn in range(14):
        # Some move, some come back from silence, and some say nothing any more.
        moving = random.sample(sorted(drivers), 25)
        drivers |= {driver: somewhere() for driver in moving}
        town.drive({driver: drivers[driver] for driver in moving})
        if turn == 5 and fault:
            fault(town)
        before = [dict(each.shown.cells) for each in screens]
        if turn == 9 or (turn == 5 and fault):
            # They come back, each from where it left off.
            for each in (*screens, exact):
                town.subscribe(each)
        town.tick()
        *frames, _ = town.take(*screens, exact)

        for each, seen, was in zip(screens, frames, before, strict=True):
            emptied = [{cell for cell, n in frame.cells.items() if not n} for frame in seen if isinstance(frame, Delta)]
            assert all(cells <= was.keys() for cells in emptied), "an entry for a cell that was hidden before"
            assert town.published().cells[each.precision] == each.shown.cells
            # The total comes with a frame, and where no cell has changed there is none.
            assert not seen or town.published().drivers == each.shown.drivers
        for coarse, fine in pairwise(screens):
            more = Counter(coarse.shown.cells)
            for cell, count in fine.shown.cells.items():
                more[cell[: coarse.precision]] -= count
            assert all(excess >= 0 and excess % LEAST == 0 for excess in more.values())
        assert town.exact(7) == exact.shown.cells
        assert town.state.check(["lagos"])["lagos"].exact

    assert 50 < len(counts_in(town.told))
    assert not {1, 2} & set(counts_in(town.told))
    assert "driver-" not in json.dumps(town.told)


# --- What comes when.


def test_the_first_viewer_gets_a_snapshot_at_once(town: Town):
    town.ping("a", "b", "c")
    screen = Screen("public-7", 7, PUBLIC)

    ack = town.subscribe(screen)
    [[snapshot]] = town.take(screen)

    assert isinstance(snapshot, Snapshot)
    assert ({CELL: 3}, 3, ack["rev"]) == (screen.shown.cells, screen.shown.drivers, screen.shown.rev)


def test_a_change_in_a_hidden_cell_is_none(town: Town, screen: Screen):
    town.ping("a")
    town.tick()
    before = screen.shown.rev
    town.take(screen)

    town.ping("b")
    for _ in range(5):
        town.tick()

    [messages] = town.take(screen)
    assert [(Heartbeat, before, 0, 0)] == [(type(each), each.rev, each.drivers, each.lag_ms) for each in messages]


def test_a_cell_that_falls_below_the_least_is_sent_as_one_that_went_empty(town: Town, screen: Screen):
    elsewhere = (LAGOS[0] + 0.1, LAGOS[1])
    deltas = []
    for leaving in (["a"], ["a", "b", "c"]):
        town.ping("a", "b", "c")
        town.tick()
        town.take(screen)
        town.ping(*leaving, position=elsewhere)
        # Whoever they are there with is not told either.
        town.tick()
        [[delta]] = town.take(screen)
        assert isinstance(delta, Delta)
        deltas.append(delta.cells[CELL])

    assert [0, 0] == deltas


def test_a_viewer_who_was_away_for_a_while_resumes(town: Town, screen: Screen):
    town.ping("a", "b", "c")
    town.tick()
    town.take(screen)
    app.lambda_handler(an_sqs_event(screen.connection), LambdaContext())
    town.ping("a", "b", "c", position=(LAGOS[0] + 0.1, LAGOS[1]))
    town.tick()
    back = Screen("public-back", 7, PUBLIC)
    back.shown = screen.shown

    town.subscribe(back)

    [[delta]] = town.take(back)
    assert isinstance(delta, Delta)
    assert town.published().cells[7] == back.shown.cells


# --- Interest drives work.


def test_without_such_a_viewer_nothing_is_published(town: Town):
    town.ping("a", "b", "c")
    town.subscribe(Screen("exact-7", 7, EXACT))
    town.tick()

    assert [] == town.client.keys("*public*")


def test_what_nobody_watches_any_more_is_dropped_after_a_while(town: Town, screen: Screen):
    town.ping("a", "b", "c")
    town.tick()
    assert ["lagos"] == town.state.cities(Audience.PUBLIC)
    app.lambda_handler(an_sqs_event(screen.connection), LambdaContext())
    town.tick()
    assert town.client.keys("{lagos}:public:*")

    town.clock.now += TOMBSTONE_MS
    town.tick()

    assert ([], []) == (town.client.keys("{lagos}:public:*"), town.state.cities(Audience.PUBLIC))


def test_where_nobody_is_shown_it_is_dropped_at_once(town: Town, screen: Screen):
    town.ping("a")
    town.tick()
    assert town.client.keys("{lagos}:public:*")
    app.lambda_handler(an_sqs_event(screen.connection), LambdaContext())

    town.tick()

    assert ([], []) == (town.client.keys("{lagos}:public:*"), town.state.cities(Audience.PUBLIC))


def test_the_page_says_after_how_long():
    minutes = {1: "One minute", 2: "Two minutes", 5: "Five minutes"}[TOMBSTONE_MS // 60_000]

    assert f"{minutes} after the last of them has left the set is dropped" in PAGE.read_text()


def test_a_connection_leaves_the_viewports_of_its_audience(town: Town, screen: Screen):
    exact = Screen("exact-7", 7, EXACT)
    subscription = town.subscribe(exact)["subscription"]
    watched = [viewport for each in (screen, exact) for viewport in town.registry.viewports(each.connection)]
    assert [Audience.PUBLIC, Audience.EXACT] == [viewport.audience for viewport in watched]
    assert [{Encoding.JSON: ["public-7"]}, {Encoding.JSON: ["exact-7"]}] == town.state.viewers(watched)

    assert "ack" == town.send("unsubscribe", "public-7", PUBLIC, subscription=subscription)["type"]
    assert [{}, {Encoding.JSON: ["exact-7"]}] == town.state.viewers(watched)

    app.lambda_handler(an_sqs_event("exact-7"), LambdaContext())
    assert [{}, {}] == town.state.viewers(watched)


# --- Several who publish.


def test_whoever_publishes_goes_on_from_what_another_has_published(town: Town):
    publishers = [Publisher(town.state, LEAST), Publisher(town.state, LEAST)]
    random = Random(1)
    for turn in range(12):
        town.drive({f"driver-{n}": (LAGOS[0] + 0.0014 * random.randrange(4), LAGOS[1]) for n in range(12)})
        town.clock.now += 1
        publishers[turn % 3 % 2].publish(["lagos"])

        cells = town.state.view("lagos", 7, audience=Audience.PUBLIC).cells
        assert town.published().cells[7] == {cell: n for cell, n in cells.items() if n}


def test_what_is_older_is_not_published_over_what_is_newer(town: Town):
    town.ping("a", "b", "c")
    Publisher(town.state, LEAST).publish(["lagos"])
    exact = town.state.view("lagos", 7).stamp
    stands = town.state.view("lagos", 7, audience=Audience.PUBLIC).stamp
    older = Publication(stands.epoch, stands.rev, Stamp(exact.epoch, exact.rev - 1, 0, 0), {7: {CELL: -3}})

    assert Outcome.NEWER is town.state.publish("lagos", older).outcome
    assert {CELL: 3} == town.state.view("lagos", 7, audience=Audience.PUBLIC).cells


def regions(town: Town, many: int) -> list[str]:
    """The names of so many, with drivers in each of them."""
    for n in range(many):
        town.ping(f"a-{n}", f"b-{n}", f"c-{n}", position=(-40.0, 2.0 * n - 100))
    assert many == len(town.state.cities())
    return town.state.cities()


def test_of_many_watched_cities_only_what_has_changed_is_read(town: Town):
    names = regions(town, CITIES + 1)
    publisher = Publisher(town.state, LEAST)
    publisher.publish(names)

    publisher.publish(names)

    again = {name: town.state.read_from[name][1:] for name in names}
    assert {name: [town.state.view(name, 7).stamp.rev] for name in names} == again


def test_a_city_that_cannot_be_published_keeps_nobody_in_the_others_waiting(
    town: Town, screen: Screen, monkeypatch: pytest.MonkeyPatch
):
    counted: Counter[str] = Counter()
    monkeypatch.setattr("adapters.publisher.count", lambda name: counted.update({name.value: 1}))
    exact, elsewhere = Screen("exact-7", 7, EXACT), Screen("elsewhere", 7, PUBLIC)
    town.subscribe(exact)
    town.send("subscribe", elsewhere.connection, PUBLIC, city="beijing", precision=7)
    town.take(screen, exact)
    town.ping("a", "b", "c")
    town.ping("d", "e", "f", position=BEIJING)
    town.state.lost = {"beijing"}

    town.tick()

    assert [["delta"], ["delta"], []] == [types_of(town, each) for each in (screen, exact, elsewhere)]
    assert {"unavailable": 1} == counted
    town.state.lost.clear()
    town.queue.take_messages("")
    town.tick()
    assert ["delta"] == types_of(town, elsewhere)


def types_of(town: Town, screen: Screen) -> list[str]:
    return [message["type"] for message in town.queue.messages(screen.connection)]


def test_several_cities_that_cannot_be_published_are_an_outage(town: Town):
    names = regions(town, OUTAGE + 1)
    publisher = Publisher(town.state, LEAST)

    town.state.lost = set(names[1:OUTAGE])
    assert [names[0], names[-1]] == publisher.publish(names)

    town.state.lost.add(names[-1])
    with pytest.raises(Unavailable, match=names[-1]):
        publisher.publish(names)


# --- Everything else that such a token can ask for.


def rest(path: str, scope: str, method: str = "GET", parameters: dict[str, str] | None = None, **asked: str) -> Any:
    event = a_rest_event(method, path, query=asked, scope=scope, parameters=parameters)
    answer = query.lambda_handler(event, LambdaContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_nothing_that_may_be_asked_for_tells_of_fewer_drivers_than_the_least(town: Town):
    town.ping("driver-a", "driver-b")
    town.ping("driver-c", position=(LAGOS[0] + 0.1, LAGOS[1]))
    town.ping("driver-d", "driver-e", position=(0.5, 0.5))
    town.ping("driver-f", position=(-1.3, 36.8))

    answers: list[Any] = [rest("/heatmap", PUBLIC, city="lagos", precision=str(p)) for p in PUBLISHED]
    answers += [rest("/heatmap", PUBLIC, city="s00", precision="5"), rest("/stats", PUBLIC), rest("/cities", PUBLIC)]
    answers += [rest("/stats", PUBLIC, city="nairobi"), town.send("hello", "c", PUBLIC)]
    for precision in PUBLISHED:
        screen = Screen(f"c-{precision}", precision, PUBLIC)
        answers.append(town.subscribe(screen))
        answers += town.queue.take_messages(screen.connection)

    assert {0, 3} == set(counts_in([body for body in answers if isinstance(body, dict)])) | {
        count for answer in answers if isinstance(answer, tuple) for count in counts_in(answer[1])
    }
    assert "driver-" not in json.dumps(answers)


def test_places_in_which_nobody_is_shown_are_not_listed(town: Town):
    town.ping("a", "b", "c")
    town.ping("d", position=(0.5, 0.5))

    assert ["lagos"] == list(rest("/stats", PUBLIC)[1]["cities"])
    assert {"lagos", "s00"} == rest("/stats", EXACT)[1]["cities"].keys()
    asked = rest("/stats", PUBLIC, city="s00")[1]["cities"]["s00"]
    assert (0, None, {"4": 0, "5": 0, "6": 0, "7": 0}) == (asked["drivers"], asked["last_event"], asked["cells"])


def body_of(town: Town, path: str, city: str) -> str:
    """An answer as it is sent, after what was kept of the one before is over, and without its time."""
    town.clock.now += query.PUBLISHED_CACHE_MS
    event = a_rest_event("GET", path, query={"city": city, "precision": "5"}, scope=PUBLIC)
    body: str = query.lambda_handler(event, LambdaContext())["body"]
    as_of = json.loads(body)["as_of"]
    assert as_of in body
    return body.replace(as_of, "")


@pytest.mark.parametrize("path", ["/heatmap", "/stats"])
def test_a_region_with_a_driver_who_moves_answers_as_an_empty_one(town: Town, path: str):
    empty = body_of(town, path, "s00")

    for step in range(4):
        town.ping("d", position=(0.5 + 0.01 * step, 0.5))
        assert empty == body_of(town, path, "s00")

    assert town.state.view("s00", 7).stamp.rev > 1


@pytest.mark.parametrize("path", ["/heatmap", "/stats"])
def test_beside_drivers_who_are_shown_one_who_is_not_moves_unseen(town: Town, path: str):
    town.ping("a", "b", "c")
    shown = body_of(town, path, "lagos")
    assert '"drivers":3' in shown

    for step in range(4):
        town.ping("d", position=(LAGOS[0] + 0.1 + 0.01 * step, LAGOS[1]))
        assert shown == body_of(town, path, "lagos")


def test_the_heatmap_of_now_is_what_is_published(town: Town):
    town.ping("a", "b", "c")
    town.ping("d", position=(LAGOS[0] + 0.1, LAGOS[1]))

    _, public = rest("/heatmap", PUBLIC, city="lagos")
    _, exact = rest("/heatmap", EXACT, city="lagos")

    assert ({CELL: 3}, 3) == (public["cells"], public["drivers"])
    assert (4, 4) == (sum(exact["cells"].values()), exact["drivers"])


def test_streets_are_refused_and_not_offered(town: Town):
    status, refusal = rest("/heatmap", PUBLIC, city="lagos", precision="8", bbox="6.51,3.37,6.53,3.39")
    assert (403, "forbidden") == (status, refusal["code"])
    street = {"city": "lagos", "precision": 8, "bbox": [6.51, 3.37, 6.53, 3.39]}
    assert "forbidden" == town.send("subscribe", "public-8", PUBLIC, **street)["code"]
    assert [] == town.registry.viewports("public-8")

    assert [4, 5, 6, 7] == town.send("hello", "public-8", PUBLIC)["precisions"]
    assert [4, 5, 6, 7, 8] == town.send("hello", "exact-8", EXACT)["precisions"]


# --- Forgetting.


def forget(driver: str, scope: str = "admin") -> tuple[int, Any]:
    status, answer = rest("/drivers/{driver_id}", scope, "DELETE", {"driver_id": driver})
    return status, answer


def test_a_driver_who_is_forgotten_is_gone_with_the_next_frame(town: Town, client: redis.Redis):
    town.ping("van-7", "van-8")
    exact = Screen("exact-7", 7, EXACT)
    town.subscribe(exact)
    town.take(exact)

    status, answer = forget("van-7")
    town.tick()
    town.take(exact)

    assert (200, {"counted": ["lagos"], "held": [], "silent": [], "at_home": True}) == (status, answer["removed"])
    assert {"stream": 86_400, "failures": 1_209_600, "logs": 1_209_600} == answer["kept_seconds"]
    assert ({CELL: 1}, 1) == (exact.shown.cells, exact.shown.drivers)
    assert town.state.check(["lagos"])["lagos"].exact
    assert not [key for key in client.scan_iter() if b"van-7" in (client.dump(key) or b"")]


def test_what_was_held_of_it_is_gone_too(town: Town, client: redis.Redis):
    town.ping("van-7")
    town.clock.now += 1_000
    jump = [a_ping("van-7", town.clock.now, (LAGOS[0] + 0.1, LAGOS[1]))]
    town.state.apply(merged([records.decode(a_record(*jump))]), town.clock.now, lambda city: 70)
    assert client.hexists("{lagos}:jumps", "van-7")

    assert ["lagos"] == forget("van-7")[1]["removed"]["held"]
    assert not client.hexists("{lagos}:jumps", "van-7")


def test_to_forget_somebody_unknown_does_no_harm(town: Town):
    town.ping("van-8")

    assert {"counted": [], "held": [], "silent": [], "at_home": False} == forget("van-7")[1]["removed"]
    assert 1 == town.state.check(["lagos"])["lagos"].stamp.live


def test_an_id_may_hold_what_a_path_cannot(town: Town):
    town.ping("vans/7")

    answer = forget("vans%2F7")[1]

    assert ("vans/7", ["lagos"]) == (answer["driver_id"], answer["removed"]["counted"])


def test_only_an_admin_has_somebody_forgotten(town: Town):
    assert [403, 403] == [forget("van-7", scope)[0] for scope in (EXACT, "pings:write dispatch:write")]
