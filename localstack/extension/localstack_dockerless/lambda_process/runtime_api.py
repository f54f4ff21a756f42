"""The Lambda Runtime API (2018-06-01) for one runtime process, without a thread of its own.

Whoever waits for the runtime serves it: `wait` runs the selector until the runtime did something. Between two
invocations nobody reads, as on Lambda, where the environment is frozen then; the kernel keeps what arrives.
"""

import os
import selectors
import socket
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field

from localstack_dockerless.lifecycle import kill_group

PREFIX = "/2018-06-01/runtime/"
RECEIVE_BYTES = 256 * 1024
# A pipe holds a megabyte at most, and gives at least a page at a time.
MOST_READS = 256
# A runtime that takes no bytes for so long is stuck; the invocation's own time-out then ends it.
SEND_TIMEOUT_S = 10.0
# Without a pidfd (not on Linux) the end of the process is noticed by looking.
POLL_EXIT_S = 0.1


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: bytes


@dataclass
class Connection:
    """One HTTP/1.1 connection of the runtime; feeds bytes in, gives requests out."""

    sock: socket.socket
    _buffer: bytearray = field(default_factory=bytearray)
    _head: tuple[str, str, dict[str, str]] | None = None

    def receive(self) -> Request | None:
        """Read what is there; the request that it completes, or None. Raises ConnectionError at the stream's end."""
        data = self.sock.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("closed by the runtime")
        self._buffer += data
        if self._head is None:
            self._read_head()
        if self._head is None:
            return None
        method, path, headers = self._head
        body = self._take_chunked() if headers.get("transfer-encoding") == "chunked" else self._take_sized(headers)
        if body is None:
            return None
        self._head = None
        return Request(method, path, body)

    def _read_head(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        method, path, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        self._head = (method, path, headers)
        # libcurl asks before it sends a body of more than a megabyte, and would otherwise wait a second.
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take_sized(self, headers: dict[str, str]) -> bytes | None:
        length = int(headers.get("content-length", "0"))
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _take_chunked(self) -> bytes | None:
        body, position = bytearray(), 0
        while (line_end := self._buffer.find(b"\r\n", position)) >= 0:
            size = int(self._buffer[position:line_end].split(b";")[0], 16)
            start = line_end + 2
            if len(self._buffer) < start + size + 2:
                return None
            body += self._buffer[start : start + size]
            position = start + size + 2
            if size == 0:
                del self._buffer[:position]
                return bytes(body)
        return None

    def send(self, status: str, headers: dict[str, str], body: bytes) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.sock.sendall(f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


class Exited(Exception):
    """The runtime process has ended."""


class RuntimeApi:
    """Listens on 127.0.0.1 for one runtime process, and attends to its output and its end along the way."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._connections: list[Connection] = []
        self._requests: deque[tuple[Connection, Request]] = deque()
        self._process: subprocess.Popen[bytes] | None = None
        self._output = -1
        self._pidfd = -1
        self._log = bytearray()
        host, port = self._listener.getsockname()
        self.address = f"{host}:{port}"

    def attend(self, process: subprocess.Popen[bytes]) -> None:
        """Take over `process`, whose standard output is a pipe."""
        assert process.stdout is not None  # noqa: S101 - for the type checker; the caller passes stdout=PIPE
        self._process, self._output = process, process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._selector.register(self._output, selectors.EVENT_READ, self.drain_output)
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(process.pid)
            self._selector.register(self._pidfd, selectors.EVENT_READ, lambda: None)

    def wait(self, deadline: float) -> tuple[Connection, Request]:
        """The runtime's next request. Raises TimeoutError at `deadline` (time.monotonic), or Exited.

        A request that came before the end of the process counts.
        """
        while True:
            if self._requests:
                return self._requests.popleft()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            ready = self._selector.select(remaining if self._pidfd >= 0 else min(remaining, POLL_EXIT_S))
            for key, _ in ready:
                key.data()
            if not self._requests and self._process is not None and self._process.poll() is not None:
                # Its children could go on writing.
                kill_group(self._process.pid)
                self._read_the_rest()
                if not self._requests:
                    raise Exited

    def drain_output(self) -> None:
        """Read what the process has written so far.

        What it wrote before a request is there when the request is: so draining before answering a response makes the
        log complete. It is no more than a pipe holds; what a process writes without end must not be read without end.
        """
        for _ in range(MOST_READS if self._output >= 0 else 0):
            try:
                data = os.read(self._output, RECEIVE_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._selector.unregister(self._output)
                self._output = -1
                return
            self._log += data

    def write_log(self, line: str) -> None:
        self._log += line.encode()

    def take_log(self) -> str:
        log = self._log.decode(errors="replace")
        self._log.clear()
        return log

    def close(self) -> None:
        self._selector.close()
        for sock in (self._listener, *(connection.sock for connection in self._connections)):
            sock.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(SEND_TIMEOUT_S)
        connection = Connection(sock)
        self._connections.append(connection)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._receive(connection))

    def _receive(self, connection: Connection) -> None:
        try:
            request = connection.receive()
        except OSError:
            self._selector.unregister(connection.sock)
            self._connections.remove(connection)
            connection.sock.close()
            return
        if request is not None:
            self._requests.append((connection, request))

    def _read_the_rest(self) -> None:
        """The process is gone, but what it sent and printed last may still be in the kernel's buffers."""
        while ready := self._selector.select(0):
            if all(key.fd == self._pidfd for key, _ in ready):
                return
            for key, _ in ready:
                key.data()
