"""Connections: who is connected, until when, and what they watch."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from typing import Self, cast

import redis

from adapters import valkey
from adapters.settings import LiveStateSettings
from heatmap.access import Principal
from heatmap.errors import Unavailable
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

# Of a principal who has as many connections as it may so many are looked at, whether they are there still: of more it
# would take too long, with each that is refused. The others leave when they are to end.
_LOOKED_AT = 1_000


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
    ended them without our hearing of it. So has one of each principal those that it opened.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, client: redis.Redis, clock: Callable[[], int] = _now) -> None:
        self._client = client
        self._clock = clock

    @classmethod
    def from_env(cls) -> Self:
        return cls(valkey.connect(LiveStateSettings.from_env().redis_url))

    def add(self, connection_id: str, principal: Principal, most: int = 0) -> Noted:
        """Note a new connection, unless its principal has as many as it may.

        Args:
            most: how many a principal may have; 0 for any number.

        Raises:
            Unavailable: the registry did not answer.
        """
        # First: one that is in no record is soon forgotten, one that has no end would be posted to beyond its token's.
        self._note_end(connection_id, principal)
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hset(_key(connection_id), items=_fields(principal))
        pipeline.expire(_key(connection_id), RECORD_SECONDS)
        with valkey.answering("the registry"):
            pipeline.execute()
        # After the record, so that whatever is counted without one is there no more.
        try:
            is_held = self._hold(connection_id, principal, most) or (
                self._let_go_of_closed(principal) and self._hold(connection_id, principal, most)
            )
        except Unavailable:
            # Maybe only the answer was lost, and of a handshake that failed no end is told: it would count for hours.
            with suppress(Unavailable):
                self.remove(connection_id)
            raise
        if is_held:
            return Noted.ADDED
        self.remove(connection_id)
        return Noted.LIMIT

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
            self._hold(connection_id, principal, most=0)
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
        with valkey.answering("the registry"):
            # While the record still says whose it is: what fails from here on is done again.
            if who := self._client.hget(_key(connection_id), "who"):
                self._client.zrem(_key_of(valkey.text(who)), connection_id)
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
        with valkey.answering("the registry"):
            self._client.zadd(_ENDS, {connection_id: self._end_of(principal)}, nx=True)

    def _end_of(self, principal: Principal) -> int:
        """When a connection that begins now is to end, UTC milliseconds."""
        return min(principal.expires_at, self._clock() + 1000 * RECORD_SECONDS)

    def _hold(self, connection_id: str, principal: Principal, most: int) -> bool:
        """Count a connection among its principal's; says whether it may be one of them."""
        arguments: list[valkey.Argument] = [self._clock(), connection_id, self._end_of(principal), most, RECORD_SECONDS]
        mine = _key_of(principal.subject)
        [answer] = valkey.run(self._client, valkey.script("hold_connection"), [([mine], arguments)])
        return bool(answer)

    def _let_go_of_closed(self, principal: Principal) -> bool:
        """Count those of a principal's connections no more that have been closed, though that was not noted to its end.

        They are looked for among those that are to end first. Says whether there were any.
        """
        mine = _key_of(principal.subject)
        with valkey.answering("the registry"):
            first = cast("list[bytes | str]", self._client.zrange(mine, 0, _LOOKED_AT - 1))
            held = [valkey.text(each) for each in first]
            pipeline = self._client.pipeline(transaction=False)
            for connection_id in held:
                pipeline.hexists(_key(connection_id), "who")
            closed = [each for each, is_open in zip(held, pipeline.execute(), strict=True) if not is_open]
            return bool(closed and self._client.zrem(mine, *closed))


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


def _key_of(subject: str) -> str:
    return f"connections:of:{subject}"
