"""Posts per second of CPU time through the deliverer's fan-out: signed, with their answers, to a server beside it.

The limit is raw event-loop protocols that write unsigned requests made beforehand on as many connections, each after
the answer to the one before. Ours are longer by the signature and the session's token: `detail` has the ratio to the
very same requests made beforehand as well, and to the limit with protocols of asyncio's plain kind, which is the one
that most programs use. The peer is boto3's `post_to_connection`.

A core is a second of the sending process's CPU time. The server has a process of its own, and what it takes of the
machine is not ours; `detail` has the rates by the clock as well.
"""

import asyncio
import random
import string
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import boto3
from botocore.config import Config

from adapters.fan_out import FanOut
from adapters.management.endpoint import Endpoint
from adapters.management.outcome import Outcome
from adapters.management.sender import LANES
from adapters.management.signing import Credentials, Requests
from benchmarks import handlers, post_server
from benchmarks.post_server import PostServer
from benchmarks.result import Contestant, Result, median, paired, ratio
from heatmap.deliveries import Delivery, decode, jobs

ROUNDS = 9
# In a round, so that it lasts longer than what else the machine does in between.
INVOCATIONS = 5
# An invocation gets up to ten jobs of 200 connections: one half look at something of their own, the others at what
# nine more look at.
JOBS = 10
ALONE = 100
SHARED = 10
WATCHERS = 10
BODY_BYTES = 1_500
# Every Lambda function signs with a session's token, which is as long.
SESSION_TOKEN = "t" * 800
# More threads make boto3 no faster: they wait for the interpreter's lock.
BOTO3_THREADS = 4
BOTO3_JOBS = 1
PATIENCE_S = 60.0


def run() -> Result:
    """Measure."""
    with post_server.running() as server:
        handlers.prepare(
            WEBSOCKET_API_ENDPOINT=f"ws://127.0.0.1:{server.port}",
            WEBSOCKET_STAGE="live",
            AWS_SESSION_TOKEN=SESSION_TOKEN,
        )
        return _measured(server)


def _measured(server: PostServer) -> Result:
    bodies = list(jobs(_deliveries()))
    deliveries = _decoded(bodies)
    # Each invocation gets messages that nobody has seen before.
    batches: list[list[Delivery]] = []
    fan_out = FanOut.from_env()
    raw = _RawSender(server.port, _unsigned(deliveries))
    raw_plain = _RawSender(server.port, _unsigned(deliveries), _PlainConnection)
    raw_signed = _RawSender(server.port, _signed(deliveries, server.port))
    boto = _Boto3Sender(server.port, deliveries[: len(deliveries) * BOTO3_JOBS // JOBS])
    by_clock: dict[str, list[float]] = {}
    servers: dict[str, list[float]] = {}

    def receive() -> None:
        batches.extend(_decoded(bodies) for _ in range(INVOCATIONS))

    def ours() -> int:
        sent = 0
        while batches:
            outcomes = fan_out.send(batches.pop(), PATIENCE_S).counts()
            if set(outcomes) != {Outcome.SENT}:
                raise ValueError(f"expected all to be sent, got {outcomes}")
            sent += outcomes[Outcome.SENT]
        return sent

    def timed(name: str, contestant: Contestant) -> Contestant:
        def work() -> int:
            started, busy = time.perf_counter(), server.cpu_s()
            done = contestant.work()
            by_clock.setdefault(name, []).append(done / (time.perf_counter() - started))
            servers.setdefault(name, []).append(done / (server.cpu_s() - busy))
            return done

        return Contestant(work, contestant.prepare)

    contestants = {
        "deliver": Contestant(ours, receive),
        "limit": Contestant(raw.send),
        "plain_protocols": Contestant(raw_plain.send),
        "same_requests": Contestant(raw_signed.send),
        "boto3": Contestant(boto.send),
    }
    with ExitStack() as opened:
        for close in (fan_out.close, raw.close, raw_plain.close, raw_signed.close, boto.close):
            opened.callback(close)
        rates = paired({name: timed(name, each) for name, each in contestants.items()}, ROUNDS, time.process_time)
    return Result(
        name="deliver",
        value=median(rates["deliver"]),
        unit="posts/s of CPU time",
        ratios={
            "limit": ratio(rates["deliver"], rates["limit"]),
            "boto3": ratio(rates["deliver"], rates["boto3"]),
        },
        detail={
            "connections": LANES,
            "body_bytes": BODY_BYTES,
            "viewers_per_invocation": JOBS * (ALONE + SHARED * WATCHERS),
            "bodies_per_invocation": JOBS * (ALONE + SHARED),
            "limit": "unsigned requests made beforehand, on as many buffered asyncio protocols, answers awaited",
            "ratio_to_the_same_requests_made_beforehand": ratio(rates["deliver"], rates["same_requests"]),
            "ratio_to_the_limit_with_plain_protocols": ratio(rates["deliver"], rates["plain_protocols"]),
            "boto3": f"post_to_connection on {BOTO3_THREADS} threads, with a connection each",
            "posts_per_cpu_second": {name: [round(rate) for rate in each] for name, each in rates.items()},
            "posts_per_second_by_the_clock": {name: round(median(each[1:])) for name, each in by_clock.items()},
            "server_posts_per_cpu_second": {name: round(median(each[1:])) for name, each in servers.items()},
        },
    )


def _deliveries() -> Iterable[Delivery]:
    """What a tick has for the viewers of an invocation; ids and messages are as long as real ones."""
    dice = random.Random(1)  # noqa: S311 - it only has to be the same every time

    def connections(number: int) -> list[str]:
        return ["".join(dice.choices(string.ascii_letters + string.digits, k=15)) + "=" for _ in range(number)]

    def messages() -> list[str]:
        tiles = "".join(dice.choices(string.ascii_letters, k=BODY_BYTES - 27))
        return [f'{{"type":"delta","tiles":"{tiles}"}}']

    for _ in range(JOBS):
        for _ in range(ALONE):
            yield Delivery(connections(1), messages())
        for _ in range(SHARED):
            yield Delivery(connections(WATCHERS), messages())


def _decoded(bodies: list[str]) -> list[Delivery]:
    return [delivery for body in bodies for delivery in decode(body).deliveries]


def _posts(deliveries: list[Delivery]) -> list[tuple[str, str]]:
    return [
        (each, message) for delivery in deliveries for each in delivery.connections for message in delivery.messages
    ]


def _unsigned(deliveries: list[Delivery]) -> list[bytes]:
    return [
        f"POST /live/@connections/{connection_id} HTTP/1.1\r\nContent-Length: {len(message)}\r\n\r\n{message}".encode()
        for connection_id, message in _posts(deliveries)
    ]


def _signed(deliveries: list[Delivery], port: int) -> list[bytes]:
    credentials = Credentials("test", "test", SESSION_TOKEN)
    requests = Requests(Endpoint.at(f"http://127.0.0.1:{port}/live"), "us-east-1", credentials, time.time())
    return [requests.post(connection_id, message) for connection_id, message in _posts(deliveries)]


class _RawSender:
    """Writes requests that were made beforehand, and does nothing with the answers but wait for them."""

    def __init__(self, port: int, requests: list[bytes], kind: type["_RawConnection"] | None = None) -> None:
        self._port = port
        self._requests = requests
        self._runner = asyncio.Runner()
        self._connections = self._runner.run(self._connect(kind or _BufferedConnection))

    def send(self) -> int:
        for _ in range(INVOCATIONS):
            self._runner.run(self._send())
        return INVOCATIONS * len(self._requests)

    def close(self) -> None:
        for connection in self._connections:
            connection.transport.abort()
        self._runner.close()

    async def _connect(self, kind: type["_RawConnection"]) -> list["_RawConnection"]:
        loop = asyncio.get_running_loop()
        return [(await loop.create_connection(kind, "127.0.0.1", self._port))[1] for _ in range(LANES)]

    async def _send(self) -> None:
        left = list(self._requests)
        await asyncio.gather(*[connection.send_until_none_is_left(left) for connection in self._connections])


class _RawConnection(asyncio.BaseProtocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self._left: list[bytes] = []

    def send_until_none_is_left(self, left: list[bytes]) -> asyncio.Future[None]:
        self._left = left
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next()
        return self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def _next(self) -> None:
        if self._left:
            self.transport.write(self._left.pop())
        else:
            self._done.set_result(None)


class _BufferedConnection(_RawConnection, asyncio.BufferedProtocol):
    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray(4096)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._buffer.find(b"\r\n\r\n", 0, nbytes) > 0:
            self._next()


class _PlainConnection(_RawConnection, asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        if data.find(b"\r\n\r\n") > 0:
            self._next()


class _Boto3Sender:
    """Posts as one would with the SDK."""

    def __init__(self, port: int, deliveries: list[Delivery]) -> None:
        self._posts = _posts(deliveries)
        config = Config(max_pool_connections=BOTO3_THREADS, retries={"mode": "standard", "max_attempts": 1})
        url = f"http://127.0.0.1:{port}/live"
        self._client = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=config)
        self._threads = ThreadPoolExecutor(BOTO3_THREADS)

    def send(self) -> int:
        return sum(self._threads.map(self._post, self._posts))

    def close(self) -> None:
        self._threads.shutdown()
        self._client.close()

    def _post(self, post: tuple[str, str]) -> int:
        connection_id, message = post
        self._client.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        return 1
