"""How far the aggregator has come in each shard of the stream."""

from typing import Self

import redis

from adapters import valkey
from adapters.settings import LiveStateSettings

CHECKPOINTS_KEY = "stream:checkpoints"


class Checkpoints:
    """The last applied sequence number of each shard."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    @classmethod
    def from_env(cls) -> Self:
        return cls(valkey.connect(LiveStateSettings.from_env().redis_url))

    def note(self, shard_id: str, sequence_number: str) -> None:
        """Everything up to this record has been applied."""
        with valkey.answering("the checkpoint"):
            self._client.hset(CHECKPOINTS_KEY, shard_id, sequence_number)

    def all(self) -> dict[str, str]:
        """The last applied sequence number by shard."""
        with valkey.answering("the checkpoints"):
            noted = self._client.hgetall(CHECKPOINTS_KEY)
        return {valkey.text(shard): valkey.text(number) for shard, number in noted.items()}
