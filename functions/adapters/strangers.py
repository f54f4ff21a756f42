"""Drivers new to a city: whether they can have come from where they were.

A script reaches only the keys of one city, so a city leaves their pings alone until the one that they were last at home
in has been asked. Nothing is lost if an aggregator dies in between, for then the stream delivers the batch again.
"""

from itertools import batched
from typing import NamedTuple

import msgspec
import redis

from adapters import valkey
from adapters.city_scripts import key
from adapters.crossings import HOMES_KEY
from heatmap.quality import distance_m, is_too_far
from heatmap.register import position

STRANGERS_PER_CALL = 1_000

# Of a city, a hash: driver -> register of the newest reading that is held, for the driver has jumped (see apply.lua).
JUMPS = "jumps"

# As the script knows them; REFUTED is one that jumped and has been seen elsewhere since what is held of it here.
LATE, JUMPED, CAME, REFUTED = "", "0", "1", "2"


class Stranger(msgspec.Struct, frozen=True):
    """A ping that a city left alone.

    Attributes:
        jump_speed: of that city, metres per second.
    """

    city: str
    driver: str | bytes
    register: str | bytes
    jump_speed: float


class _Known(NamedTuple):
    """What is known of a driver: the register where it is at home, and the one held in the city it is new to."""

    elsewhere: bytes | None = None
    held: bytes | None = None


def verdicts(client: redis.Redis, strangers: list[Stranger]) -> list[str]:
    """For each whether it can have come from where its driver was, cannot, or is not newer.

    Raises:
        Unavailable: the live state did not answer.
    """
    return [
        _verdict(stranger, known)
        for part in batched(strangers, STRANGERS_PER_CALL, strict=False)
        for stranger, known in zip(part, _known(client, part), strict=True)
    ]


def _known(client: redis.Redis, strangers: tuple[Stranger, ...]) -> list[_Known]:
    with valkey.answering("the live state"):
        homes = client.hmget(HOMES_KEY, [stranger.driver for stranger in strangers])
        pipeline = client.pipeline(transaction=False)
        for stranger, home in zip(strangers, homes, strict=True):
            # Who is at home here or nowhere has fallen silent, or another batch has just brought them.
            pipeline.hget(key(valkey.text(home) if home else stranger.city, "drivers"), stranger.driver)
            pipeline.hget(key(stranger.city, JUMPS), stranger.driver)
        answers = pipeline.execute()
    return [_Known(*each) for each in batched(answers, 2, strict=True)]


def _verdict(stranger: Stranger, known: _Known) -> str:
    register = stranger.register if isinstance(stranger.register, bytes) else stranger.register.encode()
    elsewhere, held = known
    if elsewhere is None:
        return JUMPED if held and register < held else CAME
    if register <= elsewhere:
        return LATE
    try:
        was, now = position(elsewhere), position(register)
    except msgspec.DecodeError:
        # One that is not of our making cannot be judged, and must not hold up those that are.
        return CAME
    metres = distance_m(was.details.lat, was.details.lon, now.details.lat, now.details.lon)
    if not is_too_far(metres, now.sampled_at - was.sampled_at, stranger.jump_speed):
        return CAME
    return REFUTED if held and held <= elsewhere else JUMPED
