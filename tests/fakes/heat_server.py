"""The server's side of the live protocol, with counts that a test sets and without any network.

It encodes by itself, so that a client is not only in step with the application's own encoder; it checks what clients
say by the application's own rules. A test decides when there is a tick, and what becomes of the messages.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from zlib import compressobj

from heatmap import actions
from heatmap.cells import ALPHABET, TILE_CHARACTERS
from heatmap.cities import Cities, cities, listed
from heatmap.errors import FleetglowError, InvalidInput, NotAllowed
from heatmap.times import rfc3339
from heatmap.viewports import Viewport, from_subscription

type Json = dict[str, Any]

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z
PRECISIONS = (4, 5, 6, 7, 8)
MOST_SUBSCRIPTIONS = 16


@dataclass
class CityState:
    """One city's counts, by cells of any length, and the revision of each one's last change."""

    rev: int = 1
    counts: dict[str, int] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)

    def cells(self, precision: int, after: int = -1) -> dict[str, int]:
        """Counts at a precision of the cells that changed after a revision; 0 where one went empty.

        What was set for a coarser cell is in one of the finer cells in it.
        """
        names = {cell: cell.ljust(precision, "s")[:precision] for cell in self.counts}
        wanted = {names[cell] for cell, rev in self.changed_at.items() if rev > after}
        found = dict.fromkeys(wanted, 0)
        for cell, n in self.counts.items():
            if names[cell] in found:
                found[names[cell]] += n
        return found


@dataclass(eq=False)
class FakeConnection:
    """What the server knows of a viewer: the encoding of each viewport that it watches, by name."""

    subscriptions: dict[str, str] = field(default_factory=dict)


class FakeHeatServer:
    """Counts, epochs and revisions; answers to actions; the frames that are due.

    Attributes:
        epoch: of all cities.
        lag_ms: how late the newest event is said to be.
        heartbeat_seconds: what acks promise.
        min_cell_drivers: the least count that acks say is shown; what counts there are is the test's business.
        open_cities: those that the tokens of all viewers are good for; None for all.
        parts: in how many messages the answer to a subscribe comes, and every frame if `all_in_parts`.
        clock: UTC milliseconds, for `as_of`.
    """

    def __init__(
        self,
        *,
        places: Cities | None = None,
        precisions: tuple[int, ...] = PRECISIONS,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.places = places or cities()
        self.precisions = precisions
        self.epoch = "e1"
        self.lag_ms = 40
        self.heartbeat_seconds: float = 15
        self.min_cell_drivers = 1
        self.open_cities: frozenset[str] | None = None
        self.parts = 1
        self.all_in_parts = False
        self.clock = clock or count(NOW).__next__
        self._cities: dict[str, CityState] = {}
        # The revision of the last frame for each viewport.
        self._sent: dict[str, int] = {}
        self._connections = 0

    def city(self, name: str) -> CityState:
        return self._cities.setdefault(name, CityState())

    def cells(self, subscription: str) -> dict[str, int]:
        """What a viewer of a viewport should see."""
        viewport = from_subscription(subscription)
        cells = self.city(viewport.city).cells(viewport.precision)
        return {cell: n for cell, n in _within(viewport, cells).items() if n}

    def drivers(self, city: str) -> int:
        return sum(self.city(city).counts.values())

    def change(self, city: str, counts: Mapping[str, int]) -> None:
        """Set the counts of cells, in one new revision."""
        state = self.city(city)
        state.rev += 1
        state.counts.update(counts)
        state.changed_at.update(dict.fromkeys(counts, state.rev))

    def lose_state(self) -> None:
        """All counts are gone, and a new epoch begins."""
        self.epoch = f"e{int(self.epoch[1:]) + 1}"
        self._cities.clear()
        self._sent.clear()

    def connect(self) -> FakeConnection:
        self._connections += 1
        return FakeConnection()

    def answer(self, connection: FakeConnection, text: str) -> list[str]:
        """What a message of a client is answered with: the ack, and after it the frame, if it was a subscribe."""
        named: Json = {}
        try:
            message = _object(text)
            action = str(message.get("action"))
            named["action"] = action if action in actions.FIELDS else "$default"
            if (given := actions.id_of(message)) is not None:
                named["id"] = given
            if action not in actions.FIELDS:
                raise actions.unknown_action(message)
            actions.require_known_fields(message, action)
            ack, frame = self._act(connection, action, message)
        except FleetglowError as error:
            return [_text({"type": "error", "action": "$default", **named, "code": error.code, "message": str(error)})]
        return [_text({"type": "ack", **named, **ack}), *frame]

    def tick(
        self, city: str, connections: Iterable[FakeConnection], *, heartbeats: bool = False
    ) -> list[tuple[FakeConnection, list[str]]]:
        """The deltas of the viewports in which something changed, and perhaps heartbeats of the others."""
        made: dict[tuple[str, str], list[str]] = {}
        due = []
        for connection in connections:
            for name, encoding in connection.subscriptions.items():
                viewport = from_subscription(name)
                if viewport.city != city:
                    continue
                if (name, encoding) not in made:
                    made[name, encoding] = self._due(viewport, encoding, heartbeats=heartbeats)
                if messages := made[name, encoding]:
                    due.append((connection, messages))
        self._sent |= {name: self.city(city).rev for (name, _), messages in made.items() if messages}
        return due

    def _due(self, viewport: Viewport, encoding: str, *, heartbeats: bool) -> list[str]:
        prev = self._sent.get(viewport.subscription, 0)
        changed = _within(viewport, self.city(viewport.city).cells(viewport.precision, prev))
        if changed:
            parts = self.parts if self.all_in_parts else 1
            return self._frame(self._stamp("delta", viewport, prev), changed, encoding, parts)
        return [_text(self._stamp("heartbeat", viewport, prev))] if heartbeats else []

    def _act(self, connection: FakeConnection, action: str, message: Json) -> tuple[Json, list[str]]:
        """The fields of an ack, and the frame that follows it."""
        match action:
            case "subscribe":
                return self._subscribe(connection, actions.subscribe(message, self.places, self.precisions))
            case "unsubscribe":
                name = actions.unsubscribe(message).subscription
                if connection.subscriptions.pop(name, None) is None:
                    expected = "one that this connection has"
                    raise InvalidInput("subscription", expected, name, code="unknown_subscription")
                return {"subscription": name}, []
            case "hello":
                named = {"connection_id": f"connection-{self._connections}", "precisions": self.precisions}
                return named | {"cities": [city for city in listed(self.places) if self._is_open(city["name"])]}, []
            case _:
                return {"accepted": len(message.get("pings", [1])), "rejected": []}, []

    def _subscribe(self, connection: FakeConnection, wanted: actions.Subscribe) -> tuple[Json, list[str]]:
        name, viewport = wanted.viewport.subscription, wanted.viewport
        if not self._is_open(viewport.city):
            raise NotAllowed(f"city: expected one that the token is good for, got {viewport.city}")
        if name not in connection.subscriptions and len(connection.subscriptions) == MOST_SUBSCRIPTIONS:
            expected = f"at most {MOST_SUBSCRIPTIONS} subscriptions"
            raise InvalidInput("subscription", expected, name, code="too_many_subscriptions")
        connection.subscriptions[name] = wanted.encoding
        state = self.city(viewport.city)
        self._sent.setdefault(name, state.rev)
        ack = {"subscription": name, "epoch": self.epoch, "rev": state.rev}
        ack["heartbeat_seconds"] = self.heartbeat_seconds
        ack["min_cell_drivers"] = self.min_cell_drivers
        if wanted.since and wanted.epoch == self.epoch:
            stamp = self._stamp("delta", viewport, wanted.since)
            cells = _within(viewport, state.cells(viewport.precision, wanted.since))
        else:
            stamp = self._stamp("snapshot", viewport)
            cells = self.cells(name)
        return ack, self._frame(stamp, cells, wanted.encoding, self.parts)

    def _is_open(self, city: str) -> bool:
        return self.open_cities is None or city in self.open_cities

    def _stamp(self, kind: str, viewport: Viewport, prev: int | None = None) -> Json:
        chain = {} if prev is None else {"prev": prev}
        return {
            "type": kind,
            "subscription": viewport.subscription,
            "city": viewport.city,
            "precision": viewport.precision,
            "epoch": self.epoch,
            **chain,
            "rev": self.city(viewport.city).rev,
            "as_of": rfc3339(self.clock()),
            "lag_ms": self.lag_ms,
            "drivers": self.drivers(viewport.city),
        }

    def _frame(self, stamp: Json, cells: Mapping[str, int], encoding: str, parts: int) -> list[str]:
        tiles = list(by_tile(cells).items())
        if parts == 1:
            return [_text(stamp | _encoded(dict(tiles), encoding))]
        return [
            _text(stamp | {"part": part, "parts": parts} | _encoded(dict(tiles[part - 1 :: parts]), encoding))
            for part in range(1, parts + 1)
        ]


def by_tile(cells: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Counts by tile and by the last two characters of the cell."""
    tiles: dict[str, dict[str, int]] = {}
    for cell, n in cells.items():
        tiles.setdefault(cell[:-TILE_CHARACTERS], {})[cell[-TILE_CHARACTERS:]] = n
    return tiles


def packed_bytes(tiles: Mapping[str, Mapping[str, int]]) -> bytes:
    """The records of packed tiles, written down from `docs/protocol.md`."""
    records = b""
    for tile, counts in tiles.items():
        sizes = sorted(set(counts.values()))
        records += tile.encode() + leb128(len(sizes))
        for size in sizes:
            numbers = sorted(_number(key) for key, n in counts.items() if n == size)
            gaps = [number - before - 1 for before, number in zip([-1, *numbers], numbers, strict=False)]
            records += leb128(size) + leb128(len(numbers)) + b"".join(map(leb128, gaps))
    return records


def _number(key: str) -> int:
    return ALPHABET.index(key[0]) * 32 + ALPHABET.index(key[1])


def leb128(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number % 128 + 128]) + leb128(number // 128)


def deflated(data: bytes) -> str:
    """Base64 of deflate-raw."""
    deflate = compressobj(wbits=-15)
    return b64encode(deflate.compress(data) + deflate.flush()).decode()


def _encoded(tiles: Mapping[str, Mapping[str, int]], encoding: str) -> Json:
    return {"packed": deflated(packed_bytes(tiles))} if encoding == "deflate" else {"tiles": tiles}


def _within(viewport: Viewport, cells: Mapping[str, int]) -> dict[str, int]:
    return {cell: n for cell, n in cells.items() if viewport.tiles.holds(cell[:-TILE_CHARACTERS])}


def _object(text: str) -> Json:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidInput("message", "a JSON object", text, code="not_json") from error
    if not isinstance(document, dict):
        raise InvalidInput("message", "a JSON object", document, code="not_json")
    return document


def _text(message: Json) -> str:
    return json.dumps(message, separators=(",", ":"))
