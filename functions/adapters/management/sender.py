"""Many posts over a fixed number of lanes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from adapters.management.lane import Lane, Lost, Open
from adapters.management.outcome import Outcome, outcome_of
from adapters.management.responses import Response
from adapters.management.throttle import Throttle
from adapters.uptime import uptime_s

LANES = 64
# API Gateway answers in milliseconds; who waits this long waits for a client that is not there.
POST_S = 5.0
# A connection that was unused for longer may have been forgotten by something on the way that does not say so.
IDLE_S = 30.0
# How exactly that is kept.
_SWEEPS_PER_POST = 20
# Of an answer that is told in the log.
_SHOWN_BYTES = 200

type Prepare = Callable[[str, str], bytes]
# What each connection is to get, in order, by its id; at least one message each.
type Posts = Mapping[str, Sequence[str]]


class Report(NamedTuple):
    """What became of the viewers.

    Attributes:
        outcomes: by connection id.
        causes: for each reason to drop that there was, the first case of it, in words.
        durations_s: of each post that was answered or lost, from its beginning, in seconds.
    """

    outcomes: dict[str, Outcome]
    causes: dict[Outcome, str]
    durations_s: list[float]

    def counts(self) -> Counter[Outcome]:
        """How many viewers had which outcome."""
        return Counter(self.outcomes.values())

    def gone(self) -> list[str]:
        """The connections that are no more."""
        return [connection_id for connection_id, outcome in self.outcomes.items() if outcome is Outcome.GONE]

    def slowest_ms(self, share: float) -> float:
        """What this share of the posts took at most, in milliseconds; there is at least one."""
        ascending = sorted(self.durations_s)
        return 1000 * ascending[min(len(ascending) - 1, int(share * len(ascending)))]


class Sender:
    """Posts messages to viewers over lanes that are kept from one invocation to the next.

    A viewer's messages go out one after the other, each after the answer to the one before; the viewers go side by
    side, as many at a time as there are lanes. One who does not answer keeps a lane busy for `post_s` and nobody else.
    """

    def __init__(
        self, open_connection: Open, lanes: int = LANES, post_s: float = POST_S, idle_s: float = IDLE_S
    ) -> None:
        self._lanes = [Lane(open_connection) for _ in range(lanes)]
        self._post_s = post_s
        self._idle_s = idle_s
        self._throttle = Throttle()

    async def send(self, posts: Posts, prepare: Prepare, patience_s: float) -> Report:
        """Post to every viewer; whoever is not done after `patience_s` is dropped.

        Args:
            prepare: makes the request that posts a message to a connection id.
        """
        # While a function is frozen, servers hang up: the event loop is shown that before anything is sent.
        await asyncio.sleep(0)
        now = uptime_s()
        for lane in self._lanes:
            if now - lane.posted_at > self._idle_s:
                lane.close()
        return await _Round(posts, prepare, self._lanes, self._throttle, self._post_s).run(patience_s)

    async def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.close()
        # The event loop closes the sockets when it comes to it.
        await asyncio.sleep(0)


class _Round:
    """The posts of one invocation: who waits, who is being posted to, and what became of the others."""

    def __init__(
        self, posts: Posts, prepare: Prepare, lanes: Iterable[Lane], throttle: Throttle, post_s: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._posts = posts
        self._prepare = prepare
        self._throttle = throttle
        self._post_s = post_s
        self._waiting = iter(posts.items())
        # Taken from the end: those that are connected come first.
        self._free = sorted(lanes, key=lambda lane: lane.is_open)
        # To whom a lane posts, their messages, and which of them.
        self._busy: dict[Lane, tuple[str, Sequence[str], int]] = {}
        # The busy lanes that have no post under way: their viewer's next message may go out.
        self._ready: list[Lane] = []
        self._goes_on = False
        self._resuming: asyncio.TimerHandle | None = None
        self._outcomes: dict[str, Outcome] = {}
        self._causes: dict[Outcome, str] = {}
        self._durations_s: list[float] = []
        # Bound once, not once a post.
        self._on_done = self._done

    async def run(self, patience_s: float) -> Report:
        if not self._posts:
            return Report({}, {}, [])
        self._pause()
        sweeping = asyncio.create_task(self._sweep())
        try:
            async with asyncio.timeout(patience_s):
                if patience_s > 0:
                    self._go_on()
                await self._over
        except TimeoutError:
            self._give_up()
        finally:
            sweeping.cancel()
            if self._resuming is not None:
                self._resuming.cancel()
            for lane in self._busy:
                lane.close()
            # Should an answer be on its way through the event loop, nothing follows it.
            self._free.clear()
            self._ready.clear()
        return Report(self._outcomes, self._causes, self._durations_s)

    def _go_on(self) -> None:
        """Post whatever may be posted now."""
        self._goes_on = False
        if self._resuming is not None:
            return
        ready, self._ready = self._ready, []
        for lane in ready:
            self._post(lane, *self._busy[lane])
        while self._free and (viewer := next(self._waiting, None)):
            connection_id, messages = viewer
            self._post(self._free.pop(), connection_id, messages, 0)

    def _post(self, lane: Lane, connection_id: str, messages: Sequence[str], index: int) -> None:
        self._busy[lane] = connection_id, messages, index
        lane.post(self._prepare(connection_id, messages[index]), self._on_done)

    def _go_on_soon(self) -> None:
        """Go on when all answers that came together have been read.

        Posts that go out in one go wake the other side once, and not one by one: a quarter of the time of a round.
        """
        if not self._goes_on:
            self._goes_on = True
            self._loop.call_soon(self._go_on)

    def _done(self, lane: Lane, result: Response | Lost) -> None:
        now = uptime_s()
        self._durations_s.append(now - lane.posted_at)
        if isinstance(result, Lost):
            self._settle(lane, Outcome.FAILED, result.cause)
            return
        self._throttle.answers += 1
        outcome = outcome_of(result)
        if outcome is Outcome.SENT:
            connection_id, messages, index = self._busy[lane]
            if index + 1 < len(messages):
                self._busy[lane] = connection_id, messages, index + 1
                self._ready.append(lane)
                self._go_on_soon()
            else:
                self._settle(lane, outcome)
            return
        if outcome is Outcome.THROTTLED and self._throttle.refuse(now):
            self._pause()
        self._settle(lane, outcome, f"{result.status} {result.body[:_SHOWN_BYTES].decode(errors='replace')}")

    def _settle(self, lane: Lane, outcome: Outcome, cause: str = "") -> None:
        """Note what became of a viewer, and free the lane for the next."""
        self._outcomes[self._busy.pop(lane)[0]] = outcome
        if cause:
            self._causes.setdefault(outcome, cause)
        self._free.append(lane)
        if len(self._outcomes) < len(self._posts):
            self._go_on_soon()
        elif not self._over.done():
            self._over.set_result(None)

    def _pause(self) -> None:
        """Stop posting for as long as the throttle says."""
        if (pause_s := self._throttle.until - uptime_s()) > 0:
            self._resuming = self._loop.call_later(pause_s, self._resume)

    def _resume(self) -> None:
        self._resuming = None
        self._go_on()

    async def _sweep(self) -> None:
        """Give up posts that take too long: looked for now and then, which is cheaper than a timer for each post."""
        while True:
            await asyncio.sleep(self._post_s / _SWEEPS_PER_POST)
            latest = uptime_s() - self._post_s
            for lane in [lane for lane in self._busy if lane.posted_at < latest and lane not in self._ready]:
                lane.close()
                self._settle(lane, Outcome.TIMED_OUT, f"no answer within {self._post_s:g} s")

    def _give_up(self) -> None:
        """Drop whoever is left."""
        left = [connection_id for connection_id in self._posts if connection_id not in self._outcomes]
        self._outcomes.update(dict.fromkeys(left, Outcome.TIMED_OUT))
        self._causes.setdefault(Outcome.TIMED_OUT, "the invocation's time was up")
