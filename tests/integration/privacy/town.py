"""A city, its drivers, and those who watch it: real functions on a real state."""

import json
from collections import defaultdict
from typing import Any

import redis

from adapters.lease import Lease
from adapters.live_state import LiveState
from adapters.publisher import Publisher
from adapters.registry import Registry
from adapters.settings import BroadcastSettings
from broadcast.broadcaster import Broadcaster
from connections import app
from connections.viewers import Viewers
from factories import LAGOS, NOW, LambdaContext, a_ping, a_record, a_rest_event, a_socket_event
from fakes.clock import FakeClock
from fakes.queue import FakeQueue
from fleetglow.protocol import Delta, Heartbeat, Snapshot, decode
from fleetglow.viewer_state import ViewerState
from heatmap import records
from heatmap.cells import cell_of
from heatmap.errors import Unavailable
from heatmap.privacy import Published, published
from heatmap.register import merged
from heatmap.state import Publication, Publishing, View
from heatmap.viewports import Audience
from query import app as query

LEAST = 3
TICK = 3_000
SETTINGS = BroadcastSettings(tick_ms=TICK, driver_ttl_ms=30_000, heartbeat_ms=15_000, posts_per_second=4_000)
PUBLIC, EXACT = "heatmap:read", "heatmap:read drivers:read"
PUBLISHED = (4, 5, 6, 7)
CELL = cell_of(*LAGOS, 7)


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


def rest(path: str, scope: str, method: str = "GET", parameters: dict[str, str] | None = None, **asked: str) -> Any:
    event = a_rest_event(method, path, query=asked, scope=scope, parameters=parameters)
    answer = query.lambda_handler(event, LambdaContext())
    return answer["statusCode"], json.loads(answer["body"])
