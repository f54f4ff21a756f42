"""How much one gateway holds. Each test prints what it measured (pytest -s shows it)."""

import asyncio
import json
import resource
import time

import pytest
from websocket_support.gateway import gateway_process, stage
from websocket_support.lambdas import FakeLambda
from websocket_support.rawclient import RawClient, connect

CONNECTIONS = 5000
POSTS = 20_000
POSTERS = 20
BODY = b"x" * 1500


# Not what is measured here.
NO_QUOTA = {"WEBSOCKET_CONNECTS_PER_SECOND": "0"}


@pytest.fixture(autouse=True)
def open_files() -> None:
    """Our side of each connection is an open file, too."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def open_connections(url: str, count: int) -> list[RawClient]:
    clients: list[RawClient] = []
    while len(clients) < count:
        clients += await asyncio.gather(*(connect(url) for _ in range(100)))
    return clients


async def connection_id_of(client: RawClient) -> str:
    # An API without routes answers every message with this.
    await client.send(b"who am I")
    frame = await client.receive()
    assert frame is not None
    connection_id: str = json.loads(frame.payload)["connectionId"]
    return connection_id


async def test_five_thousand_idle_connections_need_little_memory(capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeLambda() as lambdas, gateway_process(lambdas, stage({}), **NO_QUOTA) as gateway:
        async with await connect(gateway.url()):
            before = gateway.resident_mb()
        started = time.monotonic()
        clients = await open_connections(gateway.url(), CONNECTIONS)
        seconds = time.monotonic() - started
        await gateway.until_connections(CONNECTIONS)
        used = gateway.resident_mb() - before
        for client in clients:
            client.writer.transport.abort()
        await gateway.until_connections(0)
    with capsys.disabled():
        per_connection = used * 1024 / CONNECTIONS
        print(  # noqa: T201
            f"\n{CONNECTIONS} idle: {before:.0f} MB + {used:.1f} MB, {per_connection:.1f} KB each, "
            f"{CONNECTIONS / seconds:.0f} connects/s"
        )
    assert used < 50


async def test_posts_are_fast(capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeLambda() as lambdas, gateway_process(lambdas, stage({})) as gateway:
        clients = await open_connections(gateway.url(), 100)
        ids = [await connection_id_of(client) for client in clients]
        latencies: list[float] = []
        started = time.monotonic()
        posters = (post(gateway.port, ids, latencies) for _ in range(POSTERS))
        # Each client gets its share, in frames with a head of four bytes.
        shares = (client.reader.readexactly(POSTS // len(clients) * (len(BODY) + 4)) for client in clients)
        async with asyncio.timeout(60):
            await asyncio.gather(*posters, *shares)
        rate = POSTS / (time.monotonic() - started)
    latencies.sort()
    with capsys.disabled():
        p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
        print(f"\n@connections: {rate:.0f} posts/s of 1.5 KB, p50 {p50:.1f} ms, p99 {p99:.1f} ms")  # noqa: T201
    assert rate > 1000


async def post(port: int, ids: list[str], latencies: list[float]) -> None:
    """A poster's share of the posts, round robin over the connections."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(POSTS // POSTERS):
        started = time.monotonic()
        path = f"/api/live/@connections/{ids[number % len(ids)]}"
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        writer.write(head.encode() + BODY)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        latencies.append(time.monotonic() - started)
    writer.close()
