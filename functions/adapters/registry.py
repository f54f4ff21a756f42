"""Connections: who is connected, until when, and what they watch."""

import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Self, cast

import redis

from adapters import valkey
from adapters.settings import LiveStateSettings
from heatmap.access import Principal
from heatmap.viewports import Audience, Viewport, from_subscription

# API Gateway ends a connection after two hours; its record outlives it by a little.
RECORD_SECONDS = 2 * 3600 + 600

# For so long it is known that a connection has been closed: a message that was sent before may still come, but
# API Gateway waits no longer than 29 seconds for its answer.
CLOSED_SECONDS = 60

MAX_SUBSCRIPTIONS = 16

_SUBSCRIPTION = "s:"
_PUBLIC = "public:"
_CLOSED = "closed"
# Every connection by when it is to end, UTC milliseconds.
_ENDS = "connections:ends"


class Noted(StrEnum):
    """What became of a subscription that was to be noted."""

    ADDED = "added"
    CHANGED = "changed"
    LIMIT = "limit"
    CLOSED = "closed"


def _now() -> int:
    return time.time_ns() // 1_000_000


class Registry:
    """One hash per connection: `who`, `until`, a field `s:<subscription>` for each viewport, `s:public:<subscription>`
    for one of published counts; once closed, `closed`.

    A sorted set has all connections by when they are to end: with their token, and anyway when API Gateway must have
    ended them without our hearing of it.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, client: redis.Redis, clock: Callable[[], int] = _now) -> None:
        self._client = client
        self._clock = clock

    @classmethod
    def from_env(cls) -> Self:
        return cls(valkey.connect(LiveStateSettings.from_env().redis_url))

    def add(self, connection_id: str, principal: Principal) -> None:
        """Note a new connection."""
        # First: one that is in no record is soon forgotten, one that has no end would be posted to beyond its token's.
        self._note_end(connection_id, principal)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hset(_key(connection_id), items=_fields(principal))
        pipeline.expire(_key(connection_id), RECORD_SECONDS)
        with valkey.answering("the registry"):
            pipeline.execute()

    def subscribe(self, connection_id: str, principal: Principal, viewport: Viewport) -> Noted:
        """Note that the connection watches a viewport, unless it is closed or watches as many as it may.

        Args:
            principal: who opened the connection, for a registry that was lost in the meantime.
        """
        arguments: list[valkey.Argument] = [_field(viewport), MAX_SUBSCRIPTIONS, RECORD_SECONDS, *_fields(principal)]
        [answer] = valkey.run(self._client, valkey.script("note_subscription"), [([_key(connection_id)], arguments)])
        noted = Noted(valkey.text(answer))
        if noted is Noted.ADDED:
            self._note_end(connection_id, principal)
        return noted

    def unsubscribe(self, connection_id: str, viewport: Viewport) -> None:
        """Note that the connection watches a viewport no longer."""
        with valkey.answering("the registry"):
            self._client.hdel(_key(connection_id), _field(viewport))

    def viewports(self, connection_id: str) -> list[Viewport]:
        """What the connection watches."""
        with valkey.answering("the registry"):
            return _viewports(self._client.hkeys(_key(connection_id)))

    def remove(self, connection_id: str) -> list[Viewport]:
        """Note that a connection is closed; tells what it watched in that moment."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hkeys(_key(connection_id))
        pipeline.delete(_key(connection_id))
        pipeline.hset(_key(connection_id), _CLOSED, "")
        pipeline.expire(_key(connection_id), CLOSED_SECONDS)
        with valkey.answering("the registry"):
            fields, *_ = pipeline.execute()
            self._client.zrem(_ENDS, connection_id)
        return _viewports(fields)

    def count(self) -> int:
        """How many connections there are."""
        with valkey.answering("the registry"):
            return int(self._client.zcard(_ENDS))

    def overdue(self, now: int, most: int) -> list[str]:
        """At most so many connections that should have ended by now, the longest overdue first.

        Args:
            now: UTC milliseconds.
        """
        with valkey.answering("the registry"):
            found = cast("list[bytes | str]", self._client.zrangebyscore(_ENDS, "-inf", now, start=0, num=most))
        return [valkey.text(connection_id) for connection_id in found]

    def postpone(self, connection_ids: Iterable[str], until: int) -> None:
        """Have connections overdue again at a later time, but for those that are no more; UTC milliseconds."""
        with valkey.answering("the registry"):
            self._client.zadd(_ENDS, dict.fromkeys(connection_ids, until), xx=True)

    def _note_end(self, connection_id: str, principal: Principal) -> None:
        """Note when a connection is to end, if that is not known."""
        end = min(principal.expires_at, self._clock() + 1000 * RECORD_SECONDS)
        with valkey.answering("the registry"):
            self._client.zadd(_ENDS, {connection_id: end}, nx=True)


def _fields(principal: Principal) -> list[str]:
    return ["who", principal.subject, "until", str(principal.expires_at)]


def _viewports(fields: list[bytes | str]) -> list[Viewport]:
    texts = [valkey.text(field) for field in fields]
    return [_viewport(text.removeprefix(_SUBSCRIPTION)) for text in texts if text.startswith(_SUBSCRIPTION)]


def _viewport(watched: str) -> Viewport:
    audience = Audience.PUBLIC if watched.startswith(_PUBLIC) else Audience.EXACT
    return from_subscription(watched.removeprefix(_PUBLIC), audience)


def _field(viewport: Viewport) -> str:
    return _SUBSCRIPTION + (_PUBLIC if viewport.audience is Audience.PUBLIC else "") + viewport.subscription


def _key(connection_id: str) -> str:
    return f"connection:{connection_id}"
