"""One client sends a flood of subscriptions, without waiting for an answer, while another one looks."""

import time
from dataclasses import dataclass
from typing import Any

import redis

from adapters.live_state import LiveState
from adapters.registry import MAX_SUBSCRIPTIONS, Registry
from e2e.sockets import Bystander, connected, lives
from e2e.support import Traffic
from fleetglow.deployment import Deployment
from heatmap.viewports import Viewport, from_subscription

CITY = "nairobi"
# No tile of precision 8 is larger, in degrees, so each step is another tile.
ROWS, COLUMNS, WIDTHS = 45, 36, 7
STEP = (0.0056, 0.0111)


@dataclass(frozen=True)
class Flood:
    """What came of it.

    Attributes:
        answers: to the subscriptions.
        connection_id: of who sent them.
        noted: what the registry says that the connection watches.
        watched: what it is a viewer of, of that.
        seconds: until the last answer was in.
        frames: how many the bystander got meanwhile.
        silence_s: the longest that the bystander was without one, from the first message to the first frame after all.
    """

    answers: list[dict[str, Any]]
    connection_id: str
    noted: list[Viewport]
    watched: list[Viewport]
    seconds: float
    frames: int
    silence_s: float

    def check(self, sent: int) -> None:
        """Every message has its answer, and only as much is watched as may be."""
        acks = [answer for answer in self.answers if answer.get("type") == "ack"]
        errors = [answer for answer in self.answers if answer.get("type") == "error"]
        assert {str(n) for n in range(sent)} == {answer.get("id") for answer in self.answers}
        assert (MAX_SUBSCRIPTIONS, sent - MAX_SUBSCRIPTIONS) == (len(acks), len(errors))
        assert {"too_many_subscriptions"} == {answer["code"] for answer in errors}
        assert {from_subscription(ack["subscription"]) for ack in acks} == set(self.noted) == set(self.watched)

    def __str__(self) -> str:
        rate = len(self.answers) / self.seconds
        return (
            f"{len(self.answers):,} subscriptions answered in {self.seconds:.1f} s, {rate:.0f} a second; "
            f"the bystander got {self.frames} frames, the longest silence was {self.silence_s:.1f} s"
        )


async def flooded(stack: Deployment, state: LiveState, messages: int, traffic_s: int) -> Flood:
    """Send so many subscriptions to as many viewports on one connection, while drivers ping and somebody looks."""
    registry = Registry(redis.Redis.from_url(stack.redis_url))
    traffic = Traffic(CITY, traffic_s)
    async with connected(stack) as bystander, connected(stack) as socket:
        connection_id = (await socket.ask({"action": "hello"}))["connection_id"]
        looker = Bystander(bystander)
        async with looker.looking({"action": "subscribe", "city": CITY, "precision": 7}):
            # The snapshot, and the first two deltas: the fleet is on its way.
            await looker.has_seen(frames=3)
            started = time.monotonic()
            answers = await socket.answers([subscription(n) for n in range(messages)])
            ended = time.monotonic()
            await looker.has_seen(len(looker.frames_at) + 1)
            seen = time.monotonic()
        assert await lives(socket)
        noted = registry.viewports(connection_id)
        viewers = state.viewers(noted)
    traffic.summary()
    return Flood(
        answers=answers,
        connection_id=connection_id,
        noted=noted,
        watched=[each for each, who in zip(noted, viewers, strict=True) if connection_id in str(who)],
        seconds=ended - started,
        frames=sum(started < at < ended for at in looker.frames_at),
        silence_s=looker.longest_silence_s(started, seen),
    )


def subscription(n: int) -> dict[str, Any]:
    """The n-th of many messages, each of which asks for another viewport."""
    assert n < ROWS * COLUMNS * WIDTHS
    south = -1.44 + n % ROWS * STEP[0]
    west = 36.66 + n // ROWS % COLUMNS * STEP[1]
    east = west + 0.001 + n // ROWS // COLUMNS * STEP[1]
    bbox = [round(degrees, 6) for degrees in (south, west, south + 0.001, east)]
    return {"action": "subscribe", "city": CITY, "precision": 8, "bbox": bbox, "id": str(n)}
