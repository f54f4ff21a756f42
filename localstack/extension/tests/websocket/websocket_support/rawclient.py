"""A WebSocket client that may do everything wrong: it sends and shows single frames."""

import asyncio
import base64
import json
import os
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Frame:
    fin: bool
    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        assert self.opcode == 8, f"not a close frame: {self}"
        return int.from_bytes(self.payload[:2])


@dataclass(frozen=True)
class HandshakeAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: HandshakeAnswer) -> None:
        self.reader, self.writer, self.answer = reader, writer, answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def send(self, payload: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True) -> None:
        self.writer.write(frame(payload, opcode, fin=fin, masked=masked))
        await self.writer.drain()

    async def receive(self) -> Frame | None:
        """The next frame; None when the server has hung up."""
        try:
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8))
            return Frame(bool(first & 0x80), first & 0x0F, await self.reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    size, flag = len(payload), 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += bytes([flag | 126]) + size.to_bytes(2)
    else:
        head += bytes([flag | 127]) + size.to_bytes(8)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


async def shake_hands(url: str, headers: dict[str, str] | None = None) -> RawClient:
    """Connect, whatever the answer is."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    fields = {
        "Host": parts.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **(headers or {}),
    }
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    answered = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(answered.get("content-length", 0)))
    return RawClient(reader, writer, HandshakeAnswer(int(head[0].split()[1]), answered, body))


async def connect(url: str, headers: dict[str, str] | None = None) -> RawClient:
    client = await shake_hands(url, headers)
    assert client.answer.status == 101, client.answer
    return client
