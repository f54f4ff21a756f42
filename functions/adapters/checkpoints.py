"""How far the aggregator has come in each shard of the stream."""

from typing import Self

import redis

from adapters import valkey
from adapters.settings import LiveStateSettings


class Checkpoints:
    """The last sequence number of each shard that the aggregator is done with."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    @classmethod
    def from_env(cls) -> Self:
        return cls(valkey.connect(LiveStateSettings.from_env().redis_url))

    def note(self, stream: str, shard_id: str, sequence_number: str) -> None:
        """Everything up to this record has been applied, or cannot be; a record before the noted one tells nothing."""
        valkey.run(self._client, valkey.script("checkpoint"), [([_key(stream)], [shard_id, sequence_number])])

    def of(self, stream: str) -> dict[str, str]:
        """The noted sequence number of each shard of a stream."""
        with valkey.answering("the checkpoints"):
            noted = self._client.hgetall(_key(stream))
        return {valkey.text(shard): valkey.text(number) for shard, number in noted.items()}


def _key(stream: str) -> str:
    # By name: a stream that replaces another numbers its records anew, in shards of the same names.
    return f"stream:{stream}:checkpoints"
