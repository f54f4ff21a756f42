"""What a client and the server say to each other over one connection after another: no I/O and no clock of its own.

Any number of viewports are subscribed to; each keeps what it knows while there is no connection, and is resumed on the
next. Texts to send gather in `outgoing`.
"""

from collections import deque

from fleetglow.errors import BadMessage, Refused
from fleetglow.feed import Feed
from fleetglow.outstanding import Greeted, Outstanding, Patience, Request
from fleetglow.protocol import (
    Ack,
    GatewayRefusal,
    Hello,
    Refusal,
    Snapshot,
    Subscribe,
    Unsubscribe,
    ViewportMessage,
    decode,
    encode,
)

# Codes of errors that pass by themselves; that of an expired token with the connection, which the server then ends.
_PASSING = {"unavailable", "expired"}
# Messages whose subscribe's ack has not come yet; what there was more of is asked for again.
_MOST_UNKNOWN = 64


class Conversation:
    """Subscribes, listens, asks again. Every `now` is in seconds on one clock that never goes back.

    Attributes:
        outgoing: texts to send, in this order.
        messages, bytes: received so far on all connections.
        garbled: of these messages, those that were not of the protocol and were passed over.
    """

    def __init__(self, patience: Patience) -> None:
        self.outgoing: deque[str] = deque()
        self.messages = 0
        self.bytes = 0
        self.garbled = 0
        self._is_open = False
        # The viewports, each with the last subscribe on this connection.
        self._feeds: dict[Feed, Request | None] = {}
        self._greeted: list[Greeted] = []
        self._requests = Outstanding(patience)
        # Messages of viewports that are not known yet, with the two times of their arrival.
        self._unknown: deque[tuple[ViewportMessage, float, float]] = deque(maxlen=_MOST_UNKNOWN)
        # The number up to which a subscribe to a viewport may have been undone by an unsubscribe that overtook it.
        self._undone: dict[str, int] = {}

    def open(self, now: float) -> None:
        """A connection was made."""
        self._is_open = True
        for feed in self._feeds:
            self._subscribe(feed, now)
        for greeted in self._greeted:
            self._say(Request(greeted=greeted), now)

    def close(self) -> None:
        """The connection has ended, and with it all that was said on it."""
        self._is_open = False
        self.outgoing.clear()
        self._requests.clear()
        self._unknown.clear()
        self._undone.clear()
        self._feeds = dict.fromkeys(self._feeds)

    def watch(self, feed: Feed, now: float) -> None:
        """Subscribe to a viewport, now or when there is a connection."""
        self._feeds[feed] = None
        if self._is_open:
            self._subscribe(feed, now)

    def leave(self, feed: Feed, now: float) -> None:
        """Watch a viewport no longer."""
        if feed in self._feeds:
            del self._feeds[feed]
            # One whose name is not known yet is left when its ack tells it.
            if self._is_open and feed.subscription is not None:
                self._unsubscribe(feed.subscription, now)

    def greet(self, greeted: Greeted, now: float) -> None:
        """Ask what the server has, now or when there is a connection."""
        self._greeted.append(greeted)
        if self._is_open:
            self._say(Request(greeted=greeted), now)

    def receive(self, text: str, now: float, wall_ms: float) -> None:
        """Take in what the server sent; `wall_ms` is in UTC milliseconds."""
        self.messages += 1
        self.bytes += len(text)
        try:
            message = decode(text)
        except BadMessage:
            # As good as lost: the next of its viewport tells that one is missing.
            self.garbled += 1
            return
        if message is not None:
            self._requests.heard()
        match message:
            case Ack():
                if request := self._requests.take(message.id):
                    self._acknowledge(request, message, now)
            case Refusal():
                if request := self._requests.take(message.id):
                    self._refuse(request, message, now)
            case GatewayRefusal():
                # It does not tell of which message, so it is taken for the one that waits longest.
                if oldest := self._requests.oldest_unanswered():
                    self._requests.postpone(oldest, now)
            case None:
                pass
            case _:
                self._hear(message, now, wall_ms)

    def check(self, now: float) -> None:
        """Ask for what has been missing for too long.

        Raises:
            Unanswered: the connection is dead.
        """
        for request in self._requests.overdue(now):
            if self._is_wanted(request):
                request.failures += 1
                self._say(request, now)
        for feed in self._feeds:
            if not self._is_asking(feed) and now >= feed.silent_from:
                self._subscribe(feed, now)

    def due(self) -> float:
        """When `check` is to be called next; infinity if there is nothing to wait for."""
        silences = (feed.silent_from for feed in self._feeds if not self._is_asking(feed))
        return min([self._requests.due(), *silences])

    def _is_asking(self, feed: Feed) -> bool:
        """Whether what is missing has been asked for already."""
        request = self._feeds[feed]
        return request is not None and not request.is_done

    def _is_wanted(self, request: Request) -> bool:
        """Whether saying it (again) makes sense."""
        if request.is_done:
            return False
        if request.feed is not None:
            return request.feed in self._feeds
        return not request.left or not self._named(request.left)

    def _named(self, subscription: str) -> list[Feed]:
        return [feed for feed in self._feeds if feed.subscription == subscription]

    def _subscribe(self, feed: Feed, now: float) -> None:
        if before := self._feeds[feed]:
            before.is_done = True
        self._feeds[feed] = request = Request(feed=feed)
        self._say(request, now)

    def _unsubscribe(self, subscription: str, now: float) -> None:
        request = Request(left=subscription)
        if self._is_wanted(request):
            self._say(request, now)

    def _say(self, request: Request, now: float) -> None:
        self._requests.add(request, now)
        message: Subscribe | Unsubscribe | Hello
        if feed := request.feed:
            since = feed.state.since
            request.since = since.rev if since else None
            feed.resumes += since is not None
            message = Subscribe(feed.city, feed.precision, feed.bbox, since, feed.encoding, request.id)
        else:
            message = Unsubscribe(request.left, request.id) if request.left else Hello(request.id)
        self.outgoing.append(encode(message))

    def _acknowledge(self, request: Request, ack: Ack, now: float) -> None:
        if request.feed is not None:
            self._begin(request, request.feed, ack, now)
        elif request.left:
            # A subscribe to the same viewport that it has overtaken is undone by it.
            self._undone[request.left] = self._requests.said
            for feed in self._named(request.left):
                self._subscribe(feed, now)
        elif request.greeted is not None:
            self._tell(request.greeted, ack)

    def _begin(self, request: Request, feed: Feed, ack: Ack, now: float) -> None:
        """A subscribe was taken: its first frame is on its way, or here already."""
        name = ack.subscription
        if feed not in self._feeds:
            self._unsubscribe(name, now)
            return
        feed.begin(ack, now)
        is_of_another = request.since is not None and feed.state.epoch is None
        if is_of_another or request.number <= self._undone.get(name, 0):
            self._subscribe(feed, now)
        elif not request.is_done:
            self._requests.await_frame(request, now)
        known = [arrival for arrival in self._unknown if arrival[0].subscription == name]
        if not self._requests.is_any_unnamed():
            self._unknown.clear()
            self._undone.clear()
        for arrival in known:
            self._take(feed, *arrival)
        self._ask_if_behind(feed, now)

    def _hear(self, message: ViewportMessage, now: float, wall_ms: float) -> None:
        feeds = self._named(message.subscription)
        if self._requests.is_any_unnamed():
            # A frame may overtake the ack that tells whose it is, also if another viewport of ours has that name.
            self._unknown.append((message, now, wall_ms))
        for feed in feeds:
            self._take(feed, message, now, wall_ms)
            self._ask_if_behind(feed, now)

    def _take(self, feed: Feed, message: ViewportMessage, now: float, wall_ms: float) -> None:
        is_further = feed.receive(message, now, wall_ms)
        request = self._feeds[feed]
        if request is not None and not request.is_done:
            request.is_answered = True
            is_answer = isinstance(message, Snapshot) or message.prev == request.since
            if not feed.state.is_behind or (is_further and is_answer):
                request.is_done = True
            elif isinstance(message, Snapshot):
                # One of its parts.
                self._requests.await_parts(request, now)
        feed.changed()

    def _ask_if_behind(self, feed: Feed, now: float) -> None:
        if feed.state.is_behind and not self._is_asking(feed):
            self._subscribe(feed, now)

    def _refuse(self, request: Request, refusal: Refusal, now: float) -> None:
        if refusal.code in _PASSING:
            self._requests.postpone(request, now)
            return
        reason = Refused(refusal.message)
        if request.feed is not None:
            request.feed.refusal = reason
            self._feeds.pop(request.feed, None)
            request.feed.changed()
        elif request.greeted is not None:
            self._tell(request.greeted, reason)

    def _tell(self, greeted: Greeted, answer: Ack | Refused) -> None:
        self._greeted.remove(greeted)
        greeted(answer)
