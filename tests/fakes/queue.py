"""A queue that keeps what is sent to it."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from heatmap.deliveries import decode
from heatmap.errors import Unavailable


class FakeQueue:
    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.delays_s: list[int] = []
        self.is_down = False

    def send(self, bodies: Iterable[str], delay_s: int = 0) -> None:
        if self.is_down:
            raise Unavailable("the queue did not take the messages: it is down")
        self.bodies += bodies
        self.delays_s += [delay_s] * (len(self.bodies) - len(self.delays_s))

    def posts_by_delay(self) -> dict[int, int]:
        """How many connections get something, by the seconds it is delayed."""
        posts: Counter[int] = Counter()
        for body, delay_s in zip(self.bodies, self.delays_s, strict=True):
            posts[delay_s] += sum(len(delivery.connections) for delivery in decode(body).deliveries)
        return posts

    def ends(self) -> list[list[str]]:
        """The connections that are to be closed, job by job."""
        return [job.ends for job in map(decode, self.bodies) if job.ends]

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
        self.delays_s.clear()
        return messages
