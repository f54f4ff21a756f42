"""Connections: who is connected, until when, and what they watch."""

from typing import Self

import redis

from adapters import valkey
from adapters.settings import LiveStateSettings
from heatmap.access import Principal
from heatmap.errors import InvalidInput
from heatmap.viewports import Viewport, from_subscription

# API Gateway ends a connection after two hours; its record outlives it by a little.
RECORD_SECONDS = 2 * 3600 + 600

MAX_SUBSCRIPTIONS = 16

_SUBSCRIPTION = "s:"


class Registry:
    """One hash per connection: `who`, `until`, and a field `s:<subscription>` for each viewport."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    @classmethod
    def from_env(cls) -> Self:
        return cls(valkey.connect(LiveStateSettings.from_env().redis_url))

    def add(self, connection_id: str, principal: Principal) -> None:
        """Note a new connection."""
        self._write(connection_id, {"who": principal.subject, "until": str(principal.expires_at)})

    def subscribe(self, connection_id: str, viewport: Viewport) -> None:
        """Note that the connection watches a viewport.

        Raises:
            InvalidInput: it watches too many already.
        """
        watched = self.viewports(connection_id)
        if viewport not in watched and len(watched) >= MAX_SUBSCRIPTIONS:
            raise InvalidInput(
                "subscribe",
                f"at most {MAX_SUBSCRIPTIONS} subscriptions on a connection",
                len(watched) + 1,
                code="too_many_subscriptions",
            )
        self._write(connection_id, {_SUBSCRIPTION + viewport.subscription: ""})

    def unsubscribe(self, connection_id: str, viewport: Viewport) -> None:
        """Note that the connection watches a viewport no longer."""
        with valkey.answering("the registry"):
            self._client.hdel(_key(connection_id), _SUBSCRIPTION + viewport.subscription)

    def viewports(self, connection_id: str) -> list[Viewport]:
        """What the connection watches."""
        with valkey.answering("the registry"):
            return _viewports(self._client.hkeys(_key(connection_id)))

    def remove(self, connection_id: str) -> list[Viewport]:
        """Forget a connection; tells what it watched in that moment."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.hkeys(_key(connection_id))
        pipeline.delete(_key(connection_id))
        with valkey.answering("the registry"):
            fields, _ = pipeline.execute()
        return _viewports(fields)

    def _write(self, connection_id: str, fields: dict[str, str]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hset(_key(connection_id), items=[item for field in fields.items() for item in field])
        pipeline.expire(_key(connection_id), RECORD_SECONDS)
        with valkey.answering("the registry"):
            pipeline.execute()


def _viewports(fields: list[bytes | str]) -> list[Viewport]:
    texts = [valkey.text(field) for field in fields]
    return [from_subscription(text.removeprefix(_SUBSCRIPTION)) for text in texts if text.startswith(_SUBSCRIPTION)]


def _key(connection_id: str) -> str:
    return f"connection:{connection_id}"
