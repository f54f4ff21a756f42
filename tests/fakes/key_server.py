"""An identity provider that publishes its keys."""

import json
from typing import Any

from adapters.jwks import PublishedKeys
from fakes.clock import FakeClock
from heatmap.errors import Unavailable


class FakeKeyServer:
    """Publishes keys.

    Attributes:
        keys: the key set as it is now.
        answer: what it says instead, if anything.
        is_down: nobody answers.
        asked: how often it was asked.
        clock: of its clients, seconds.
    """

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys)
        self.answer: bytes | None = None
        self.is_down = False
        self.asked = 0
        self.clock = FakeClock(0)

    def client(self) -> PublishedKeys:
        return PublishedKeys(self.fetch, self.clock)

    def fetch(self) -> bytes:
        self.asked += 1
        if self.is_down:
            raise Unavailable("the keys: nobody answers")
        return json.dumps({"keys": self.keys}).encode() if self.answer is None else self.answer
