"""A queue that keeps what is sent to it."""

import json
from collections.abc import Iterable
from typing import Any

from heatmap.deliveries import decode
from heatmap.errors import Unavailable


class FakeQueue:
    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.is_down = False

    def send(self, bodies: Iterable[str]) -> None:
        if self.is_down:
            raise Unavailable("the queue did not take the messages: it is down")
        self.bodies += bodies

    def messages(self, connection_id: str) -> list[dict[str, Any]]:
        """The messages for a connection in the order they were sent."""
        deliveries = [delivery for body in self.bodies for delivery in decode(body).deliveries]
        return [
            json.loads(message)
            for delivery in deliveries
            if connection_id in delivery.connections
            for message in delivery.messages
        ]

    def take_messages(self, connection_id: str) -> list[dict[str, Any]]:
        """As `messages`; the queue is empty afterwards."""
        messages = self.messages(connection_id)
        self.bodies.clear()
        return messages
