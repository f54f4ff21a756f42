"""One client on the gateway's port: first HTTP, and after a handshake WebSocket messages."""

import asyncio
import base64
import binascii
import hashlib
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from localstack_dockerless.websocket import frames, http, management
from localstack_dockerless.websocket.events import Client, Handshake
from localstack_dockerless.websocket.faults import Fate
from localstack_dockerless.websocket.frames import Close, FrameDecoder, FrameError, Message, Ping
from localstack_dockerless.websocket.integrations import Refusal

if TYPE_CHECKING:
    from localstack_dockerless.websocket.gateway import Gateway

# RFC 6455, section 1.3
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# After our close frame: how long a client may take to answer it, and then to hang up.
CLOSE_ANSWER_S = 0.5
HANG_UP_S = 2.0
_OWN_HEADERS = frozenset({"connection", "upgrade", "sec-websocket-accept", "content-length", "transfer-encoding"})


class Connection(asyncio.BufferedProtocol):
    """After the handshake `client` says who it is, and the gateway has it in its registry until `disconnected`."""

    __slots__ = (
        "_closing",
        "_decoder",
        "_gateway",
        "_parser",
        "_transport",
        "backlog",
        "blocked_since",
        "client",
        "in_flight",
        "last_active",
        "opened",
    )

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._parser: http.RequestParser | None = http.RequestParser(frames.MAX_MESSAGE_BYTES)
        self._decoder: FrameDecoder | None = None
        self._closing = False
        self.client: Client | None = None
        self.in_flight = 0
        self.backlog: deque[str] | None = None
        self.blocked_since: float | None = None
        self.opened = self.last_active = gateway.now()

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._gateway.settings.send_buffer_bytes)

    def get_buffer(self, sizehint: int) -> memoryview:
        # One buffer for all: everything received is copied out before the event loop reads again.
        return self._gateway.receive_buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._gateway.receive_buffer[:nbytes])
        self.last_active = self._gateway.now()
        if self._decoder is not None:
            self._receive_frames(self._decoder, data)
        elif self._parser is not None:
            self._parser.feed(data)
            self._serve_requests(self._parser)

    def pause_writing(self) -> None:
        self.blocked_since = self._gateway.now()

    def resume_writing(self) -> None:
        self.blocked_since = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._gateway.disconnected(self, frames.ABNORMAL_CLOSURE, "Connection closed abnormally")

    # --- HTTP

    def _serve_requests(self, parser: http.RequestParser) -> None:
        try:
            while not self._transport.is_closing() and (request := parser.next_request()) is not None:
                if self._is_handshake(request):
                    # Frames have to wait for the answer; a client that hangs up meanwhile is noticed with it.
                    self._transport.pause_reading()
                    self._gateway.spawn(self._shake_hands(request, parser))
                    return
                if self._gateway.faults.active and management.is_post_to_client(request):
                    # The requests behind it wait, as they do without faults: answers have to come in order.
                    self._transport.pause_reading()
                    self._gateway.spawn(self._answer_with_faults(request, parser))
                    return
                self._answer(request)
        except http.HttpError as error:
            self._refuse(error.status, error.message)
            return
        if parser.expects_continue:
            parser.expects_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, request: http.Request, fate: Fate = Fate.DELIVERED) -> None:
        self._transport.write(management.answer(self._gateway, request, fate))
        if not request.keep_alive:
            self._transport.close()

    async def _answer_with_faults(self, request: http.Request, parser: http.RequestParser) -> None:
        delay_s, fate = self._gateway.faults.draw_for_post()
        await asyncio.sleep(delay_s)
        self._answer(request, fate)
        self.resume_reading()
        self._serve_requests(parser)

    @staticmethod
    def _is_handshake(request: http.Request) -> bool:
        return request.method == "GET" and request.by_name.get("upgrade", "").lower() == "websocket"

    async def _shake_hands(self, request: http.Request, parser: http.RequestParser) -> None:
        try:
            accept = _accept_key(request)
            handshake, source_ip = self._as_seen_behind_a_proxy(request)
            client, answer_headers = await self._gateway.connect(request.target, handshake, source_ip)
        except http.HttpError as error:
            self._refuse(error.status, error.message)
            return
        except HandshakeRefused as refused:
            self._transport.write(refused.response)
            self._transport.close()
            return
        headers = {name: value for name, value in answer_headers.items() if name.lower() not in _OWN_HEADERS}
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
        self.client, self._parser, self._decoder = client, None, FrameDecoder()
        self.opened = self.last_active = self._gateway.now()
        self._gateway.connected(self)
        if self._transport.is_closing():
            self.connection_lost(None)
            return
        self._transport.write(http.response(HTTPStatus.SWITCHING_PROTOCOLS, headers={**upgrade, **headers}))
        self._transport.resume_reading()
        if parser.rest:
            self._receive_frames(self._decoder, parser.rest)

    def _as_seen_behind_a_proxy(self, request: http.Request) -> tuple[Handshake, str]:
        """The handshake with the headers that API Gateway adds, and the client's address."""
        source_ip = self._transport.get_extra_info("peername")[0]
        added = [
            ("X-Amzn-Trace-Id", self._gateway.new_trace_id()),
            ("X-Forwarded-For", source_ip),
            ("X-Forwarded-Port", str(self._gateway.port)),
            ("X-Forwarded-Proto", "http"),
        ]
        # Connection and Upgrade are between the client and this hop.
        kept = [pair for pair in request.headers if pair[0].lower() not in {"connection", "upgrade"}]
        return Handshake.of([*kept, *added], request.target.partition("?")[2]), source_ip

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        headers = {"Sec-WebSocket-Version": "13"} if status == HTTPStatus.UPGRADE_REQUIRED else None
        self._transport.write(http.json_response(status, {"message": message}, headers, keep_alive=False))
        self._transport.close()

    # --- WebSocket

    def _receive_frames(self, decoder: FrameDecoder, data: bytes) -> None:
        try:
            for event in decoder.feed(data):
                match event:
                    case Close(code, reason):
                        self._receive_close(code, reason)
                        return
                    case Message(text) if not self._closing:
                        self._gateway.received(self, text)
                    case Ping(payload) if self.is_writable:
                        self.send(frames.encode_frame(frames.PONG, payload))
        except FrameError as error:
            # What follows cannot be told apart any more.
            self._decoder = None
            self.close(error.code, error.reason)

    def _receive_close(self, code: int, reason: str) -> None:
        """The client closes, or answers our close frame: then both are done."""
        if not self._closing:
            self._closing = True
            self._transport.write(frames.encode_close(code))
            self._gateway.disconnected(self, code, reason or _reason_of(code))
        self._transport.close()

    @property
    def is_writable(self) -> bool:
        """False when the client does not read what was sent to it: its send buffer is full."""
        return self.blocked_since is None

    def send(self, data: bytes) -> None:
        """Send encoded frames. Only while `is_writable`."""
        if not self._closing:
            self.last_active = self._gateway.now()
            self._transport.write(data)

    def pause_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self, code: int, reason: str) -> None:
        """Close from our side, and go on reading for a while.

        Had we hung up with bytes of the client unread, the kernel would send a reset, and the client would never see
        the close frame.
        """
        if self._closing or self._transport.is_closing():
            return
        self._closing = True
        self._transport.write(frames.encode_close(code, reason))
        self.resume_reading()
        self._gateway.call_later(CLOSE_ANSWER_S, self._transport.write_eof)
        self._gateway.call_later(HANG_UP_S, self._transport.abort)
        self._gateway.disconnected(self, code, reason)

    def abort(self) -> None:
        """Hang up at once; what is in the send buffer is lost."""
        self._transport.abort()


class HandshakeRefused(Exception):
    """`response` is the complete HTTP response."""

    def __init__(self, refusal: Refusal, connection_id: str, request_id: str) -> None:
        super().__init__(str(refusal))
        content = {"message": refusal.message, "connectionId": connection_id, "requestId": request_id}
        headers = {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": refusal.error_type}
        self.response = http.json_response(refusal.status, content, headers, keep_alive=False)


def _accept_key(request: http.Request) -> str:
    """The value of Sec-WebSocket-Accept. Raises HttpError."""
    if request.by_name.get("sec-websocket-version") != "13":
        raise http.HttpError(HTTPStatus.UPGRADE_REQUIRED, "Sec-WebSocket-Version: expected 13")
    key = request.by_name.get("sec-websocket-key", "")
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        valid = False
    if not valid:
        raise http.HttpError(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key: expected the base64 of 16 bytes")
    # The RFC prescribes SHA-1; it protects nothing here.
    digest = hashlib.sha1(key.encode() + _ACCEPT_GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _reason_of(code: int) -> str:
    """What API Gateway puts into `disconnectReason` when the client gave none."""
    return "Client-side close frame status not set" if code == frames.NO_STATUS else ""
