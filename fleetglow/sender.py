"""Sends pings over HTTP, several requests at a time, and knows what became of each ping.

A ping that got no answer, or a busy one (429, 5xx), or came too fast, is sent again after a while: the server keeps the
newest reading of a driver, so a ping that arrives twice has no effect. A ping counts once, by its last answer.
"""

import asyncio
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import msgspec

from fleetglow.backoff import Backoff
from fleetglow.clock import Clock
from fleetglow.errors import FleetglowError, NotRunning, Refused
from heatmap.access import EXPIRED
from heatmap.errors import Expired

MAX_IN_FLIGHT = 16
ATTEMPTS = 6
# A REST API answers within 29 s or not at all.
TIMEOUT_S = 30.0
# After Ctrl-C nobody wants to wait for the last answers for long.
PATIENCE_S = 2.0
CHECK_S = 0.25
NO_ANSWER = "no answer"


class Ping(msgspec.Struct, omit_defaults=True, gc=False):
    """A ping as it is sent: UTC milliseconds, degrees, metres per second, degrees clockwise from north, metres."""

    driver_id: str
    sampled_at: int
    lat: float
    lon: float
    speed: float | None = None
    heading: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `retry_after_s` if the server asked for a pause."""

    status: int
    body: bytes
    retry_after_s: float | None = None


type Post = Callable[[bytes], Awaitable[Answer]]
"""Posts a JSON body; raises ConnectionError if no answer came."""


class _Rejection(msgspec.Struct):
    """Of one ping; `retry_after_ms` if it only came too fast."""

    index: int = -1
    code: str = "rejected"
    message: str = ""
    retry_after_ms: int | None = None


class _Result(msgspec.Struct):
    """The body of an answer: of one that took pings, or of a refusal of them all."""

    accepted: int = 0
    rejected: list[_Rejection] = []
    code: str = ""
    message: str = ""


@dataclass
class Tally:
    """What became of the pings so far.

    Attributes:
        sent: pings that were given to a request.
        accepted, rejected: pings that were answered for good.
        reasons: why pings were rejected, and how many.
        retries: requests that were sent again.
        latencies_ms: of every answered request.
    """

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    retries: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    latencies_ms: array[float] = field(default_factory=lambda: array("d"))

    def percentile_ms(self, share: float) -> float | None:
        """The latency that this share of the requests did not exceed; None before the first answer."""
        if not self.latencies_ms:
            return None
        ordered = sorted(self.latencies_ms)
        # The nearest-rank method: a latency that did occur.
        rank = max(0, -int(-share * len(ordered) // 1) - 1)
        return round(ordered[rank], 1)

    def reject(self, count: int, reason: str) -> None:
        self.rejected += count
        self.reasons[reason] += count


class Sender:
    """Sends batches of pings concurrently; `finish` waits for the last of them."""

    def __init__(self, post: Post, clock: Clock, backoff: Backoff | None = None) -> None:
        self.tally = Tally()
        self._post = post
        self._clock = clock
        self._backoff = backoff or Backoff(first_s=0.25, longest_s=8)
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: FleetglowError | None = None

    async def submit(self, pings: list[Ping]) -> None:
        """Begin to send what one request may hold; waits only while too many requests are under way.

        Raises:
            NotRunning: nothing has ever answered.
            Refused: the server does not take our token.
        """
        await self._slots.acquire()
        self._raise_failure()
        self.tally.sent += len(pings)
        task = asyncio.create_task(self._send(pings))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Wait until every ping is answered for; once stopped, give up on the rest after a short while.

        Raises:
            NotRunning, Refused: as `submit`.
        """
        given_up_at = float("inf")
        while self._tasks:
            await asyncio.wait(self._tasks, timeout=CHECK_S)
            now = self._clock.monotonic()
            if is_stopped():
                given_up_at = min(given_up_at, now + PATIENCE_S)
            if now >= given_up_at:
                for task in self._tasks:
                    task.cancel()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    async def _send(self, pings: list[Ping]) -> None:
        try:
            await self._deliver(pings)
        except FleetglowError as error:
            self._failure = error
        finally:
            self._slots.release()

    async def _deliver(self, pings: list[Ping]) -> None:
        reason = NO_ANSWER
        for attempt in range(1, ATTEMPTS + 1):
            pause_s: float | None = None
            body = msgspec.json.encode({"pings": pings})
            started = self._clock.monotonic()
            try:
                answer = await self._post(body)
            except ConnectionError as error:
                reason = f"{NO_ANSWER}: {error}"
            else:
                self.tally.latencies_ms.append((self._clock.monotonic() - started) * 1000)
                reason, pause_s = f"HTTP {answer.status}", answer.retry_after_s
                if not _is_busy(answer.status):
                    early = self._count(answer, len(pings))
                    pings = [pings[each.index] for each in early]
                    if not pings:
                        return
                    reason, pause_s = _readable(early[0]), max(each.retry_after_ms or 0 for each in early) / 1000
            if self._failure:
                break
            if attempt < ATTEMPTS:
                self.tally.retries += 1
                await self._clock.sleep(max(pause_s or 0, self._backoff.wait_s(attempt)))
        if not self.tally.latencies_ms:
            raise NotRunning(reason)
        self.tally.reject(len(pings), reason)

    def _count(self, answer: Answer, pings: int) -> list[_Rejection]:
        """Count the pings that were answered for good; the rest came too fast, and may be sent again."""
        try:
            result = msgspec.json.decode(answer.body, type=_Result)
        except msgspec.DecodeError:
            result = _Result(code=f"HTTP {answer.status}")
        if answer.status == 401:
            is_expired = result.code == Expired.code
            raise Refused(EXPIRED if is_expired else "token: expected a valid one, the server answered 401")
        if answer.status == 403:
            expected = "one with the scope pings:write that is good for the pings' drivers and cities"
            raise Refused(f"token: expected {expected}, the server answered 403")
        self.tally.accepted += result.accepted
        early = []
        for rejection in result.rejected:
            if rejection.retry_after_ms is not None and 0 <= rejection.index < pings:
                early.append(rejection)
            else:
                self.tally.reject(1, _readable(rejection))
        unmentioned = pings - result.accepted - len(result.rejected)
        if unmentioned > 0:
            self.tally.reject(unmentioned, f"{result.code or f'HTTP {answer.status}'}: {result.message}".rstrip(": "))
        return early


def _readable(rejection: _Rejection) -> str:
    return f"{rejection.code}: {rejection.message}".rstrip(": ")


def _is_busy(status: int) -> bool:
    return status == 429 or status >= 500


@asynccontextmanager
async def http_post(rest_url: str, token: str) -> AsyncIterator[Post]:
    """Posts to `<rest_url>/pings` with a bearer token, over connections that are kept open."""
    url = f"{rest_url.rstrip('/')}/pings"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=MAX_IN_FLIGHT)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, connect=5)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:

        async def post(body: bytes) -> Answer:
            try:
                async with session.post(url, data=body) as response:
                    return Answer(response.status, await response.read(), _retry_after_s(response))
            except (aiohttp.ClientError, TimeoutError) as error:
                raise ConnectionError(f"{url}: {error or 'timed out'}") from error

        yield post


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    # The header may also hold a date, which nothing in front of us sends.
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None
