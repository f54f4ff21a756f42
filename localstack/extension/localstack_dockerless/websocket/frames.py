"""WebSocket frames (RFC 6455) as API Gateway allows them, without any I/O.

The quotas are those of API Gateway: a frame carries at most 32 KB, a message at most 128 KB, text only, and no
extension (so never permessage-deflate). What exceeds them is a `FrameError` that carries the close code.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_FRAME_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 128 * 1024
MAX_CONTROL_BYTES = 125

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL_CLOSURE, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED_DATA = 1000, 1001, 1002, 1003
NO_STATUS, ABNORMAL_CLOSURE, INVALID_PAYLOAD, MESSAGE_TOO_BIG = 1005, 1006, 1007, 1009

# Section 7.4: what a peer may put into a close frame. 1004 to 1006 and 1015 never travel.
_SENDABLE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


@dataclass(frozen=True, slots=True)
class Message:
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The peer's close frame. `code` is 1005 when it carried none."""

    code: int
    reason: str


Event = Message | Ping | Pong | Close


class FrameError(Exception):
    """The peer broke the protocol or a quota: close with `code` and `reason`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class FrameDecoder:
    """Turns the bytes a client sent into events; keeps at most one incomplete frame and one incomplete message."""

    __slots__ = ("_buffer", "_fragments", "_size")

    def __init__(self) -> None:
        self._buffer = b""
        self._fragments: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Events in the order of arrival. Raises FrameError; then nothing more may be fed."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        position = 0
        while (frame := _parse_frame(data, position)) is not None:
            fin, opcode, payload, position = frame
            event = self._control(opcode, payload) if opcode >= CLOSE else self._fragment(fin, opcode, payload)
            if event is not None:
                yield event
        self._buffer = data[position:]

    @staticmethod
    def _control(opcode: int, payload: bytes) -> Event:
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        return _parse_close(payload)

    def _fragment(self, fin: bool, opcode: int, payload: bytes) -> Message | None:
        if opcode == CONTINUATION:
            if self._fragments is None:
                raise FrameError(PROTOCOL_ERROR, "continuation frame without a message")
        elif self._fragments is not None:
            raise FrameError(PROTOCOL_ERROR, "new message within a fragmented one")
        elif fin:
            return Message(_decode_text(payload))
        else:
            self._fragments, self._size = [], 0
        self._fragments.append(payload)
        self._size += len(payload)
        if self._size > MAX_MESSAGE_BYTES:
            raise FrameError(MESSAGE_TOO_BIG, f"message exceeds {MAX_MESSAGE_BYTES} bytes")
        if not fin:
            return None
        whole = b"".join(self._fragments)
        self._fragments = None
        return Message(_decode_text(whole))


def _parse_frame(data: bytes, start: int) -> tuple[bool, int, bytes, int] | None:
    """(fin, opcode, unmasked payload, position after it) of the frame at `start`, or None if it is not complete yet."""
    available = len(data) - start
    if available < 2:
        return None
    first, second = data[start], data[start + 1]
    opcode, length, position = first & 0x0F, second & 0x7F, start + 2
    _check_header(first, second, opcode, length)
    if length == 126:
        if available < 4:
            return None
        length, position = int.from_bytes(data[position : position + 2]), position + 2
    elif length == 127:
        if available < 10:
            return None
        length, position = int.from_bytes(data[position : position + 8]), position + 8
    if length > MAX_FRAME_BYTES:
        # Before its payload has arrived, so that nobody can make us keep it.
        raise FrameError(MESSAGE_TOO_BIG, f"frame exceeds {MAX_FRAME_BYTES} bytes")
    end = position + 4 + length
    if len(data) < end:
        return None
    return bool(first & 0x80), opcode, _apply_mask(data[position : position + 4], data[position + 4 : end]), end


def _check_header(first: int, second: int, opcode: int, length: int) -> None:
    if first & 0x70:
        raise FrameError(PROTOCOL_ERROR, "reserved bits are set, and no extension was agreed")
    if not second & 0x80:
        raise FrameError(PROTOCOL_ERROR, "frame of a client is not masked")
    if opcode == BINARY:
        raise FrameError(UNSUPPORTED_DATA, "binary messages are not supported")
    if opcode not in {CONTINUATION, TEXT, CLOSE, PING, PONG}:
        raise FrameError(PROTOCOL_ERROR, f"unknown opcode {opcode}")
    if opcode >= CLOSE and (length > MAX_CONTROL_BYTES or not first & 0x80):
        raise FrameError(PROTOCOL_ERROR, "control frame is fragmented or exceeds 125 bytes")


def _apply_mask(mask: bytes, payload: bytes) -> bytes:
    # One XOR of two big integers is some hundred times faster than a loop over the bytes.
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def _decode_text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_PAYLOAD, "message is not UTF-8") from None


def _parse_close(payload: bytes) -> Close:
    if not payload:
        return Close(NO_STATUS, "")
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "close frame with half a code")
    code = int.from_bytes(payload[:2])
    if code not in _SENDABLE_CODES and not 3000 <= code <= 4999:
        raise FrameError(PROTOCOL_ERROR, f"invalid close code {code}")
    return Close(code, _decode_text(payload[2:]))


def encode_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """One frame as a server sends it: not masked."""
    first, size = (0x80 if fin else 0) | opcode, len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def encode_message(payload: bytes) -> bytes:
    """A text message, in as many frames of at most 32 KB as it takes. The payload is UTF-8."""
    if len(payload) <= MAX_FRAME_BYTES:
        return encode_frame(TEXT, payload)
    starts = range(0, len(payload), MAX_FRAME_BYTES)
    return b"".join(
        encode_frame(
            CONTINUATION if start else TEXT,
            payload[start : start + MAX_FRAME_BYTES],
            fin=start + MAX_FRAME_BYTES >= len(payload),
        )
        for start in starts
    )


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame; one without a code for 1005, which itself may not travel."""
    if code == NO_STATUS:
        return encode_frame(CLOSE, b"")
    return encode_frame(CLOSE, code.to_bytes(2) + reason.encode()[: MAX_CONTROL_BYTES - 2])
