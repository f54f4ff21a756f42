"""Log groups that forget: LocalStack keeps every log event in memory for as long as it runs.

A group keeps its newest events up to a limit. Events are dropped by the batch, oldest first, whichever stream they are
in; streams stay, if need be without events.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Iterator

from moto.logs.models import LogEvent, LogGroup

# What an event takes besides its message: an object, three numbers and a string's head.
EVENT_OVERHEAD_BYTES = 300
# How much of the limit is freed at a time, so that not each new event has to look at all others.
FREED_SHARE = 8


class LogRetention:
    """`limit_bytes` is per log group. Thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept_bytes: Counter[tuple[str, str, str]] = Counter()

    def added(self, group: LogGroup, messages: list[str]) -> None:
        """Count what was just put into one of the group's streams, and drop the oldest events if that is too much."""
        key = (group.account_id, group.region, group.name)
        with self._lock:
            self._kept_bytes[key] += sum(map(_size, messages))
            if self._kept_bytes[key] > self._limit_bytes:
                # Counted anew: the group may be another one than before, under the same name.
                kept = sum(_size(event.message) for _, _, event in _oldest_first(group))
                goal = self._limit_bytes - self._limit_bytes // FREED_SHARE
                self._kept_bytes[key] = kept - _drop(group, kept - goal if kept > self._limit_bytes else 0)


def _drop(group: LogGroup, excess_bytes: int) -> int:
    """Drop at least so much, as far as there are events. The bytes dropped."""
    dropped, counts = 0, Counter[str]()
    for _, name, event in _oldest_first(group):
        if dropped >= excess_bytes:
            break
        counts[name] += 1
        dropped += _size(event.message)
        group.streams[name].stored_bytes -= len(event.message)
    for name, count in counts.items():
        # In place: another thread may be appending.
        del group.streams[name].events[:count]
    return dropped


def _oldest_first(group: LogGroup) -> Iterator[tuple[int, str, LogEvent]]:
    """(when it was put, its stream, the event); a stream's events are in the order in which they were put."""

    def dated(name: str, events: list[LogEvent]) -> Iterator[tuple[int, str, LogEvent]]:
        return ((event.ingestion_time, name, event) for event in events)

    streams = [dated(name, list(stream.events)) for name, stream in list(group.streams.items())]
    return heapq.merge(*streams, key=lambda entry: entry[0])


def _size(message: str) -> int:
    return len(message) + EVENT_OVERHEAD_BYTES
