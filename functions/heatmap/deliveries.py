"""Deliveries: which messages go to which connections, packed into jobs for the queue.

    {"deliveries": [{"connections": ["id", …], "messages": [{…}, …]}, …]}

Messages are JSON already and stand in a job as they are: as text in text each of their quotes would take two bytes.
"""

from collections.abc import Iterable, Iterator
from itertools import batched

import msgspec

# One deliverer invocation posts a job: few enough to be done well within a tick.
MAX_CONNECTIONS = 200
# A queue takes 256 KiB in one batch; the rest is room for the connections.
MAX_JOB_BYTES = 230_000


class Delivery(msgspec.Struct, frozen=True):
    """The same messages, each of them JSON, for several connections."""

    connections: list[str]
    messages: list[str]


class Job(msgspec.Struct, frozen=True):
    """What one queue message holds."""

    deliveries: list[Delivery]


class _Packed(msgspec.Struct):
    """A delivery as it stands in a job."""

    connections: list[str]
    messages: list[msgspec.Raw]


class _PackedJob(msgspec.Struct):
    deliveries: list[_Packed]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_PackedJob).decode


def decode(body: str) -> Job:
    """A job from the queue.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    return Job(
        [
            Delivery(each.connections, [bytes(message).decode() for message in each.messages])
            for each in _decode(body).deliveries
        ]
    )


def jobs(deliveries: Iterable[Delivery]) -> Iterator[str]:
    """Pack deliveries into as few jobs as the limits allow."""
    packed: list[_Packed] = []
    connections = size = 0
    for delivery in _within_limits(deliveries):
        weight = sum(len(message) for message in delivery.messages)
        if packed and (connections + len(delivery.connections) > MAX_CONNECTIONS or size + weight > MAX_JOB_BYTES):
            yield _encode(_PackedJob(packed)).decode()
            packed, connections, size = [], 0, 0
        packed.append(_Packed(delivery.connections, [msgspec.Raw(message) for message in delivery.messages]))
        connections += len(delivery.connections)
        size += weight
    if packed:
        yield _encode(_PackedJob(packed)).decode()


def waves(deliveries: Iterable[Delivery], posts: int) -> list[list[Delivery]]:
    """Deliveries in waves of at most so many posts each, for a second each: a burst beyond a quota would be refused."""
    found: list[list[Delivery]] = [[]]
    room = posts
    for delivery in deliveries:
        # A wave takes at least one connection, however many messages it gets.
        weight = max(1, len(delivery.messages))
        first = 0
        while first < len(delivery.connections):
            if room < weight and found[-1]:
                found.append([])
                room = posts
            fitting = max(1, room // weight)
            some = delivery.connections[first : first + fitting]
            found[-1].append(Delivery(some, delivery.messages))
            room -= len(some) * weight
            first += len(some)
    return found


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
