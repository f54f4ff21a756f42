"""What a client has said on a connection and what is still to come of it.

Everything said must be answered in time, or the connection is dead. What was answered, but without the frame that was
wanted, stays until it is said again or the frame is in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf

from fleetglow.backoff import Backoff
from fleetglow.errors import Refused
from fleetglow.feed import Feed
from fleetglow.protocol import Ack

type Greeted = Callable[[Ack | Refused], None]
"""Who is told what the server has, or why it does not say."""

# The wait for an answer, and for a frame, that does not come doubles this often.
_DOUBLINGS = 3


class Unanswered(Exception):
    """Something that was said is unanswered for too long: the connection is dead."""


@dataclass(frozen=True)
class Patience:
    """How long to wait.

    Attributes:
        connect_s: seconds for a connection.
        answer_s: seconds for the answer to anything said; twice as long after each connection that was given up for
            want of one, because a server that is slow would only be slower if all reconnected.
        reconnect: before connecting again.
        again: before saying again what the server could not do, beyond a first second.
    """

    connect_s: float = 10.0
    answer_s: float = 5.0
    reconnect: Backoff = field(default_factory=lambda: Backoff(first_s=0.5, longest_s=20))
    again: Backoff = field(default_factory=lambda: Backoff(first_s=1, longest_s=30))


@dataclass(eq=False)
class Request:
    """Something said on this connection: a subscribe to `feed`, an unsubscribe from `left`, or else a hello.

    Attributes:
        greeted: whom to tell the answer to a hello.
        number: its id; later ones are higher.
        since: the revision that a subscribe wants to go on from.
        due: when it must be answered; once it is, when it is said again unless it is done.
        failures: how often it was said in vain.
        is_done: nothing more is wanted of it.
    """

    feed: Feed | None = None
    left: str = ""
    greeted: Greeted | None = None
    number: int = 0
    since: int | None = None
    due: float = 0.0
    failures: int = 0
    is_answered: bool = False
    is_done: bool = False

    @property
    def id(self) -> str:
        return str(self.number)


class Outstanding:
    """The requests of one connection after another. Every `now` is in seconds on one clock that never goes back.

    Attributes:
        said: the number of the last request.
    """

    def __init__(self, patience: Patience) -> None:
        self.said = 0
        self._patience = patience
        self._requests: dict[str, Request] = {}
        # Connections in a row that were given up.
        self._unanswered = 0

    def add(self, request: Request, now: float) -> None:
        """It is being said, or said again: number it, and wait for its answer."""
        self.said += 1
        request.number = self.said
        request.is_answered = False
        request.due = now + self._patience.answer_s * 2 ** min(self._unanswered, _DOUBLINGS)
        self._requests[request.id] = request

    def take(self, number: str) -> Request | None:
        """The request with that id, which is waited for no longer."""
        return self._requests.pop(number, None)

    def oldest_unanswered(self) -> Request | None:
        return next((request for request in self._requests.values() if not request.is_answered), None)

    def postpone(self, request: Request, now: float) -> None:
        """The server could not do it, but may soon: it is overdue then."""
        request.is_answered = True
        request.due = now + 1 + self._patience.again.wait_s(request.failures + 1)
        self._requests[request.id] = request

    def await_frame(self, request: Request, now: float) -> None:
        """It was answered; its frame comes another way, and may be lost there."""
        request.is_answered = True
        request.due = now + self._patience.answer_s * 2 ** min(request.failures, _DOUBLINGS)
        self._requests[request.id] = request

    def await_parts(self, request: Request, now: float) -> None:
        """Some of its frame is in: the rest is on its way."""
        request.due = max(request.due, now + self._patience.answer_s)

    def overdue(self, now: float) -> Iterator[Request]:
        """Each request that was answered without what was wanted; it is waited for no longer.

        Raises:
            Unanswered: one was not answered at all.
        """
        for key, request in list(self._requests.items()):
            if request.due > now:
                continue
            if not request.is_answered:
                self._unanswered += 1
                raise Unanswered("the server does not answer any more")
            del self._requests[key]
            yield request

    def due(self) -> float:
        """When the next one is overdue; infinity if none is waited for."""
        return min((request.due for request in self._requests.values()), default=inf)

    def is_any_unnamed(self) -> bool:
        """Whether some subscribe's ack, and with it the name of its viewport, is still to come."""
        return any(request.feed and not request.is_answered for request in self._requests.values())

    def heard(self) -> None:
        """The server said something: it is not dead."""
        self._unanswered = 0

    def clear(self) -> None:
        """The connection has ended, and with it all that was said on it."""
        self._requests.clear()
