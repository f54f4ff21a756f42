"""Deliveries: which messages go to which connections, packed into jobs for the queue.

{"deliveries": [{"connections": ["id", …], "messages": ["{…}", …]}, …]}
"""

from collections.abc import Iterable, Iterator
from itertools import batched

import msgspec

# One deliverer invocation posts a job: few enough to be done well within a tick.
MAX_CONNECTIONS = 200
# A queue takes 256 KiB in one batch; the rest is room for escapes and the fields around.
MAX_JOB_BYTES = 180_000


class Delivery(msgspec.Struct, frozen=True):
    """The same messages for several connections."""

    connections: list[str]
    messages: list[str]


class Job(msgspec.Struct, frozen=True):
    """What one queue message holds."""

    deliveries: list[Delivery]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Job).decode


def decode(body: str) -> Job:
    """A job from the queue.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return _decode(body)


def jobs(deliveries: Iterable[Delivery]) -> Iterator[str]:
    """Pack deliveries into as few jobs as the limits allow."""
    packed: list[Delivery] = []
    connections = size = 0
    for delivery in _within_limits(deliveries):
        weight = sum(len(message) for message in delivery.messages)
        if packed and (connections + len(delivery.connections) > MAX_CONNECTIONS or size + weight > MAX_JOB_BYTES):
            yield _encode(Job(packed)).decode()
            packed, connections, size = [], 0, 0
        packed.append(delivery)
        connections += len(delivery.connections)
        size += weight
    if packed:
        yield _encode(Job(packed)).decode()


def _within_limits(deliveries: Iterable[Delivery]) -> Iterator[Delivery]:
    """Deliveries cut so that each fits into a job by itself."""
    for delivery in deliveries:
        for connections in batched(delivery.connections, MAX_CONNECTIONS, strict=False):
            messages: list[str] = []
            size = 0
            for message in delivery.messages:
                if messages and size + len(message) > MAX_JOB_BYTES:
                    yield Delivery(list(connections), messages)
                    messages, size = [], 0
                messages.append(message)
                size += len(message)
            yield Delivery(list(connections), messages)
