"""The other side of the @connections API, as a server's protocol that does what a test tells it.

It serves the connections of an event loop's server, and without a network those that `open` makes.
"""

import asyncio
import json
from collections import Counter, defaultdict, deque
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote

from adapters.management.http_connection import HttpConnection, Owner

_ERRORS = {
    400: ("BadRequestException", "Invalid connectionId: x"),
    403: ("ForbiddenException", "Forbidden"),
    410: ("GoneException", "Gone"),
    413: ("PayloadTooLargeException", "Message too long"),
    429: ("LimitExceededException", "Too Many Requests"),
    500: ("InternalServerException", "Internal server error"),
}


class Trouble(Enum):
    """What a server may do instead of answering."""

    HANG = "it says nothing"
    HANG_UP = "it closes the connection"


# A status; bytes that are all that comes before the connection is closed; or no answer at all.
type Answer = int | bytes | Trouble


class Post(NamedTuple):
    """A request as it arrived."""

    connection_id: str
    message: str
    head: str
    peer: int


def response(status: int, *headers: str) -> bytes:
    """An answer as API Gateway gives it."""
    error_type, message = _ERRORS.get(status, ("", ""))
    body = json.dumps({"message": message, "requestId": "r-1"}).encode() if message else b""
    lines = [f"HTTP/1.1 {status} Status", "Date: Sat, 21 Nov 2026 12:00:00 GMT", f"Content-Length: {len(body)}"]
    lines += [f"x-amzn-ErrorType: {error_type}"] if error_type else []
    return "\r\n".join([*lines, "Connection: keep-alive", *headers, "", ""]).encode() + body


class ManagementApi:
    """Takes posts and answers 200, but as it is told for single connections.

    Attributes:
        answers: for a connection id what its next posts are answered with, in turn; 200 after that.
        posts: what arrived, in order.
        opened: how many connections were made to it.
        posts_per_connection: after so many it hangs up, without saying so before.
        delay_s: how long an answer takes.
        is_down: nobody can connect.
        opens_after_s: how long a connection takes.
        slams_the_door: it hangs up on every connection at once.
        overtaken: connection ids to which a post came while the one before it was not answered yet.
    """

    def __init__(self) -> None:
        self.answers: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self.posts: list[Post] = []
        self.opened = 0
        self.posts_per_connection: int | None = None
        self.delay_s = 0.0
        self.is_down = False
        self.opens_after_s = 0.0
        self.slams_the_door = False
        self.overtaken: list[str] = []
        self._peers: set[Peer] = set()
        self._under_way: Counter[str] = Counter()

    def peer(self) -> "Peer":
        """The protocol of a new connection."""
        self.opened += 1
        return Peer(self, self.opened)

    async def open(self, owner: Owner) -> HttpConnection:
        """A connection to this object, without a network."""
        if self.is_down:
            raise ConnectionRefusedError("nobody listens")
        await asyncio.sleep(self.opens_after_s)
        connection, peer = HttpConnection(owner), self.peer()
        ours, theirs = Pipe(), Pipe()
        ours.connect(connection, theirs)
        theirs.connect(peer, ours)
        if self.slams_the_door:
            self.hang_up()
            await peer.ended.wait()
        return connection

    def hang_up(self) -> list["Peer"]:
        """Close every connection; says which there were."""
        peers = list(self._peers)
        for peer in peers:
            peer.transport.close()
        return peers

    def say(self, data: bytes) -> None:
        """Write on every connection, asked or not."""
        for peer in self._peers:
            peer.transport.write(data)

    def messages(self, connection_id: str) -> list[str]:
        """What a connection was sent, in order."""
        return [post.message for post in self.posts if post.connection_id == connection_id]

    def add(self, peer: "Peer") -> None:
        self._peers.add(peer)

    def remove(self, peer: "Peer") -> None:
        self._peers.discard(peer)

    def take(self, peer: "Peer", head: str, message: str) -> None:
        """A request has arrived."""
        connection_id = unquote(head.split(" ", 2)[1].rpartition("/")[2])
        self.posts.append(Post(connection_id, message, head, peer.number))
        if self._under_way[connection_id]:
            self.overtaken.append(connection_id)
        script = self.answers.get(connection_id)
        answer = script.popleft() if script else 200
        if answer is Trouble.HANG:
            return
        self._under_way[connection_id] += 1
        asyncio.get_running_loop().call_later(self.delay_s, self._answer, peer, connection_id, answer)

    def _answer(self, peer: "Peer", connection_id: str, answer: Answer) -> None:
        self._under_way[connection_id] -= 1
        peer.answered += 1
        if isinstance(answer, int):
            peer.transport.write(response(answer))
        elif isinstance(answer, bytes):
            peer.transport.write(answer)
        if not isinstance(answer, int) or peer.answered == self.posts_per_connection:
            peer.transport.close()


class Peer(asyncio.Protocol):
    """The server's side of one connection; `ended` is set when that is closed."""

    def __init__(self, api: ManagementApi, number: int) -> None:
        self.number = number
        self.answered = 0
        self.transport: asyncio.Transport
        self.ended = asyncio.Event()
        self._api = api
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._api.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        text = head.decode()
        if end and len(rest) >= (length := int(text.rpartition("Content-Length: ")[2])):
            self._buffer = rest[length:]
            self._api.take(self, text, rest[:length].decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._api.remove(self)
        self.ended.set()


class Pipe(asyncio.Transport):
    """One side's end of a connection within this process."""

    def __init__(self) -> None:
        super().__init__()
        self._is_closing = False

    def connect(self, protocol: asyncio.BaseProtocol, other: "Pipe") -> None:
        self._protocol = protocol
        self._other = other
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._is_closing:
            asyncio.get_running_loop().call_soon(self._other.receive, bytes(data))

    def receive(self, data: bytes) -> None:
        if self._is_closing:
            return
        if isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(data)
            return
        assert isinstance(self._protocol, asyncio.BufferedProtocol)
        while data and not self._is_closing:
            buffer = memoryview(self._protocol.get_buffer(len(data)))
            taken = min(len(buffer), len(data))
            buffer[:taken], data = data[:taken], data[taken:]
            self._protocol.buffer_updated(taken)

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._protocol.connection_lost, None)
            loop.call_soon(self._other.end)

    def abort(self) -> None:
        self.close()

    def end(self) -> None:
        """The other side has closed."""
        if not self._is_closing:
            if isinstance(self._protocol, asyncio.Protocol | asyncio.BufferedProtocol):
                self._protocol.eof_received()
            self.close()
