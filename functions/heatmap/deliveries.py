"""Deliveries: which messages go to which connections, packed into jobs for the queue.

    {"deliveries": [{"connections": ["id", …], "messages": [{…}, …]}, …], "ends": ["id", …]}

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
    """What one queue message holds.

    Attributes:
        ends: connections that are to be closed.
    """

    deliveries: list[Delivery]
    ends: list[str]


class _Packed(msgspec.Struct):
    """A delivery as it stands in a job."""

    connections: list[str]
    messages: list[msgspec.Raw]


class _PackedJob(msgspec.Struct):
    deliveries: list[_Packed] = []
    ends: list[str] = []


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_PackedJob).decode


def decode(body: str) -> Job:
    """A job from the queue.

    Raises:
        msgspec.DecodeError: it is not one.
    """
    try:
        packed = _decode(body)
    except (UnicodeEncodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
    return Job(
        [
            Delivery(each.connections, [bytes(message).decode() for message in each.messages])
            for each in packed.deliveries
        ],
        packed.ends,
    )


def jobs(deliveries: Iterable[Delivery]) -> Iterator[str]:
    """Pack deliveries into as few jobs as the limits allow."""
    pieces: list[str] = []
    connections = size = 0
    for delivery in _within_limits(deliveries):
        weight = sum(map(len, delivery.messages))
        if pieces and (connections + len(delivery.connections) > MAX_CONNECTIONS or size + weight > MAX_JOB_BYTES):
            yield _job(pieces)
            pieces, connections, size = [], 0, 0
        messages = delivery.messages[0] if len(delivery.messages) == 1 else ",".join(delivery.messages)
        pieces += ('{"connections":', _encode(delivery.connections).decode(), ',"messages":[', messages, "]}", ",")
        connections += len(delivery.connections)
        size += weight
    if pieces:
        yield _job(pieces)


def _job(pieces: list[str]) -> str:
    # Instead of the last one's comma.
    pieces[-1] = "]}"
    return '{"deliveries":[' + "".join(pieces)


def endings(connections: Iterable[str]) -> Iterator[str]:
    """Jobs in which connections are to be closed."""
    for some in batched(connections, MAX_CONNECTIONS, strict=False):
        yield _encode(_PackedJob(ends=list(some))).decode()


def waves(deliveries: Iterable[Delivery], posts: int) -> list[list[Delivery]]:
    """Deliveries in waves of at most so many posts each, for a second each: a burst beyond a quota would be refused."""
    found: list[list[Delivery]] = [[]]
    room = posts
    for delivery in deliveries:
        # A wave takes at least one connection, however many messages it gets.
        weight = max(1, len(delivery.messages))
        if (posts_of_it := len(delivery.connections) * weight) <= room:
            found[-1].append(delivery)
            room -= posts_of_it
            continue
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
        # As nearly all do.
        if len(delivery.connections) <= MAX_CONNECTIONS and sum(map(len, delivery.messages)) <= MAX_JOB_BYTES:
            yield delivery
            continue
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
