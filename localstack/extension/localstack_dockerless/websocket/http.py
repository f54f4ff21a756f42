"""The HTTP/1.1 of the gateway's port, without any I/O: WebSocket handshakes and the @connections API.

Only what those two need: requests with a Content-Length or no body. A chunked body is answered with 411, as RFC 9112
allows. A body over the quota is read to its end and dropped: a client that is still sending would not see an answer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MAX_HEAD_BYTES = 16 * 1024
MAX_DROPPED_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is None when it exceeded the quota."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes | None = b""
    # Names in lower case; of a repeated header, the last.
    by_name: Mapping[str, str] = field(default_factory=dict)

    @property
    def keep_alive(self) -> bool:
        return "close" not in self.by_name.get("connection", "").lower()


class HttpError(Exception):
    """The request cannot be understood; answer with `status` and hang up."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RequestParser:
    """Feed bytes, then take requests until `next_request` returns None; `rest` is what follows the last one."""

    __slots__ = ("_buffer", "_dropping", "_head", "_max_body", "_needed", "expects_continue")

    def __init__(self, max_body: int) -> None:
        self._buffer = b""
        self._head: Request | None = None
        self._needed = 0
        self._dropping = False
        self._max_body = max_body
        self.expects_continue = False

    @property
    def rest(self) -> bytes:
        return self._buffer

    def feed(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data

    def next_request(self) -> Request | None:
        """The next complete request. Raises HttpError."""
        head = self._head or self._take_head()
        if head is None:
            return None
        if self._dropping:
            dropped = min(self._needed, len(self._buffer))
            self._buffer, self._needed = self._buffer[dropped:], self._needed - dropped
            if self._needed:
                return None
            body = None
        else:
            if len(self._buffer) < self._needed:
                return None
            body, self._buffer = self._buffer[: self._needed], self._buffer[self._needed :]
        self._head, self._dropping = None, False
        return Request(head.method, head.target, head.headers, body, head.by_name)

    def _take_head(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request headers are too large")
            return None
        head = _parse_head(self._buffer[:end].decode("latin-1"))
        self._buffer = self._buffer[end + 4 :]
        if "transfer-encoding" in head.by_name:
            raise HttpError(HTTPStatus.LENGTH_REQUIRED, "A body needs a Content-Length")
        length = head.by_name.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_DROPPED_BYTES:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"Invalid Content-Length {length}")
        self._head, self._needed = head, int(length)
        self._dropping = self._needed > self._max_body
        self.expects_continue = head.by_name.get("expect", "").lower() == "100-continue"
        return head


def _parse_head(text: str) -> Request:
    request_line, *lines = text.split("\r\n")
    words = request_line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Malformed request line")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HttpError(HTTPStatus.BAD_REQUEST, "Malformed header")
        headers.append((name, value.strip()))
    return Request(words[0], words[1], headers, b"", {name.lower(): value for name, value in headers})


def response(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, keep_alive: bool = True
) -> bytes:
    """A complete response."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    if status not in {HTTPStatus.NO_CONTENT, HTTPStatus.SWITCHING_PROTOCOLS}:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def json_response(
    status: int, content: Any, headers: Mapping[str, str] | None = None, *, keep_alive: bool = True
) -> bytes:
    all_headers = {"Content-Type": "application/json", **(headers or {})}
    return response(status, json.dumps(content).encode(), all_headers, keep_alive=keep_alive)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus else "Status"
