"""The data plane of WebSocket APIs: who is connected, which route a message takes, what goes back."""

import asyncio
import json
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from localstack_dockerless.websocket import events, frames
from localstack_dockerless.websocket.connection import Connection, HandshakeRefused
from localstack_dockerless.websocket.events import Client, Handshake, new_request_id
from localstack_dockerless.websocket.faults import FaultInjector, Faults
from localstack_dockerless.websocket.integrations import (
    Answer,
    Refusal,
    call_authorizer,
    call_integration,
    forbidden,
    too_many_requests,
)
from localstack_dockerless.websocket.lambdas import LambdaClient
from localstack_dockerless.websocket.rate import TokenBucket
from localstack_dockerless.websocket.routing import CONNECT, DEFAULT, DISCONNECT, Stage
from localstack_dockerless.websocket.selection import select_route_key
from localstack_dockerless.websocket.settings import LISTEN_ADDRESS, Settings

LOG = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES = 64 * 1024
# Messages of one connection that may be with their integrations at a time; the next ones, and the client, wait.
MAX_IN_FLIGHT = 8
# A stage that was created a moment ago may still be on its way from the control plane.
STAGE_GRACE_S = 0.5


class Gateway:
    def __init__(self, settings: Settings, port: int, lambdas: LambdaClient) -> None:
        self.settings = settings
        self.port = port
        self.receive_buffer = memoryview(bytearray(RECEIVE_BUFFER_BYTES))
        self.connections: dict[str, Connection] = {}
        self.counters: Counter[str] = Counter()
        self.faults = FaultInjector()
        self._lambdas = lambdas
        self._stages: dict[tuple[str, str], Stage] = {}
        self._stages_changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cutting: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        self.call_later = self._loop.call_later
        self._connects = TokenBucket(settings.connects_per_s, self.now())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        # The loop itself keeps only weak references.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    def new_trace_id() -> str:
        return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"

    # --- what the control plane says

    def set_stages(self, stages: Iterable[Stage]) -> None:
        self._stages = {(stage.api_id, stage.name): stage for stage in stages}
        self._stages_changed.set()
        self._stages_changed = asyncio.Event()
        for connection in list(self.connections.values()):
            if self._stage_of(connection) is None:
                connection.close(frames.GOING_AWAY, "Going away")

    def _stage_of(self, connection: Connection) -> Stage | None:
        client = connection.client
        return None if client is None else self._stages.get((client.api_id, client.stage))

    async def _find_stage(self, api_id: str, name: str) -> Stage:
        """Raises Refusal."""
        deadline = self.now() + STAGE_GRACE_S
        while (stage := self._stages.get((api_id, name))) is None:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._stages_changed.wait()
            except TimeoutError:
                raise forbidden() from None
        return stage

    # --- connecting

    async def connect(self, target: str, handshake: Handshake, source_ip: str) -> tuple[Client, Mapping[str, str]]:
        """The new client and the headers for the response. Raises HandshakeRefused."""
        connection_id, request_id = secrets.token_hex(8), new_request_id()
        try:
            api_id, stage_name = _split_target(target)
            stage = await self._find_stage(api_id, stage_name)
            if not self._connects.take(self.now()):
                raise too_many_requests()
            client = self._new_client(connection_id, stage, handshake, source_ip)
            answer = await self._call_connect_route(stage, client, handshake, request_id)
        except Refusal as refusal:
            self.counters["refused"] += 1
            raise HandshakeRefused(refusal, connection_id, request_id) from refusal
        if not 200 <= answer.status < 300:
            self.counters["refused"] += 1
            raise HandshakeRefused(_refused_by_route(answer), connection_id, request_id)
        return client, answer.headers

    def _new_client(self, connection_id: str, stage: Stage, handshake: Handshake, source_ip: str) -> Client:
        headers = handshake.headers_by_lower_name
        return Client(
            connection_id=connection_id,
            api_id=stage.api_id,
            stage=stage.name,
            # With the API id, so that code which posts to http://{domainName}/{stage} finds this port.
            domain_name=f"{LISTEN_ADDRESS}:{self.port}/{stage.api_id}",
            host=headers.get("host", ""),
            source_ip=source_ip,
            user_agent=headers.get("user-agent"),
            connected_at_ms=int(time.time() * 1000),
        )

    async def _call_connect_route(self, stage: Stage, client: Client, handshake: Handshake, request_id: str) -> Answer:
        route = stage.routes.get(CONNECT)
        if route is None:
            return Answer(200)
        if route.authorizer is not None:
            started = self.now()
            event = events.authorizer_event(client, handshake, request_id, stage)
            timeout_s = self.settings.integration_timeout_s
            context = await call_authorizer(self._lambdas, route.authorizer, event, timeout_s)
            client.authorizer = {**context, "integrationLatency": int((self.now() - started) * 1000)}
        event = events.connect_event(client, handshake, request_id, stage.variables)
        return await call_integration(self._lambdas, route.target, event)

    def connected(self, connection: Connection) -> None:
        if connection.client is not None:
            self.connections[connection.client.connection_id] = connection
            self.counters["connected"] += 1

    # --- messages

    def received(self, connection: Connection, text: str) -> None:
        self.counters["messages"] += 1
        if connection.in_flight < MAX_IN_FLIGHT:
            connection.in_flight += 1
            self.spawn(self._serve_messages(connection, text))
            return
        if connection.backlog is None:
            connection.backlog = deque()
            connection.pause_reading()
        connection.backlog.append(text)

    async def _serve_messages(self, connection: Connection, text: str) -> None:
        """Serve this message, and then from the connection's backlog until it is empty."""
        while True:
            await self._serve_message(connection, text)
            if not connection.backlog:
                break
            text = connection.backlog.popleft()
        connection.in_flight -= 1
        if connection.backlog is not None:
            connection.backlog = None
            connection.resume_reading()

    async def _serve_message(self, connection: Connection, text: str) -> None:
        client, stage, request_id = connection.client, self._stage_of(connection), new_request_id()
        if client is None or stage is None:
            return
        try:
            body = await self._call_message_route(stage, client, text, request_id)
        except Refusal as refusal:
            self.counters["failed"] += 1
            body = json.dumps(
                {"message": refusal.message, "connectionId": client.connection_id, "requestId": request_id}
            )
        if body is None:
            return
        if connection.is_writable:
            connection.send(frames.encode_message(body.encode()))
        else:
            # A client that asks and does not read the answers would otherwise fill the memory.
            connection.abort()

    async def _call_message_route(self, stage: Stage, client: Client, text: str, request_id: str) -> str | None:
        """What to send back, if anything. Raises Refusal."""
        key = select_route_key(stage.selection_expression, text)
        if key is None or key not in stage.routes or key in {CONNECT, DISCONNECT}:
            key = DEFAULT
        route = stage.routes.get(key)
        if route is None:
            raise forbidden()
        event = events.message_event(client, key, request_id, text, stage.variables)
        answer = await call_integration(self._lambdas, route.target, event)
        return answer.body if route.responds else None

    # --- disconnecting

    def disconnected(self, connection: Connection, code: int, reason: str) -> None:
        """Forget the connection and tell its `$disconnect` route, once."""
        client, stage = connection.client, self._stage_of(connection)
        if client is None or self.connections.pop(client.connection_id, None) is None:
            return
        self.counters["disconnected"] += 1
        if stage is not None and DISCONNECT in stage.routes:
            self.spawn(self._call_disconnect_route(stage, client, code, reason))

    async def _call_disconnect_route(self, stage: Stage, client: Client, code: int, reason: str) -> None:
        event = events.disconnect_event(client, new_request_id(), code, reason, stage.variables)
        try:
            await call_integration(self._lambdas, stage.routes[DISCONNECT].target, event)
        except Refusal as refusal:
            LOG.warning("$disconnect of %s: %s", client.connection_id, refusal)

    # --- faults

    def set_faults(self, faults: Faults) -> None:
        self.faults.begin(faults)
        self._cut_or_not()

    def end_faults(self) -> None:
        self.faults.end()
        self._cut_or_not()

    def _cut_or_not(self) -> None:
        if self._cutting is not None:
            self._cutting.cancel()
        wanted = self.faults.faults.cut_connections_per_second > 0
        self._cutting = self.spawn(self._cut_connections()) if wanted else None

    async def _cut_connections(self) -> None:
        while True:
            await asyncio.sleep(self.faults.seconds_to_next_cut())
            if self.connections:
                self.faults.choose_to_cut(list(self.connections.values())).abort()

    # --- limits

    async def enforce_limits(self) -> None:
        """Close what is idle, too old, or does not read; for as long as the gateway runs."""
        settings = self.settings
        interval = min(5.0, min(settings.idle_s, settings.lifetime_s, settings.stalled_s) / 10)
        while True:
            await asyncio.sleep(interval)
            now = self.now()
            for connection in list(self.connections.values()):
                if connection.blocked_since is not None and now - connection.blocked_since > settings.stalled_s:
                    connection.abort()
                elif now - connection.last_active > settings.idle_s or now - connection.opened > settings.lifetime_s:
                    connection.close(frames.GOING_AWAY, "Going away")

    def close_all(self) -> None:
        for connection in list(self.connections.values()):
            connection.close(frames.GOING_AWAY, "Going away")


def _refused_by_route(answer: Answer) -> Refusal:
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus else "Forbidden"
    return Refusal(answer.status, answer.body or phrase, "ForbiddenException")


def _split_target(target: str) -> tuple[str, str]:
    """(api id, stage) of `/api/stage?query`. Raises Refusal."""
    segments = target.partition("?")[0].strip("/").split("/")
    if len(segments) != 2:
        raise forbidden()
    return unquote(segments[0]), unquote(segments[1])
