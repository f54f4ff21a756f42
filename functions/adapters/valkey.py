"""The connection to Valkey, and scripts on it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from heatmap.errors import Unavailable

Argument = str | bytes | int

# One call of a script: its keys, then its arguments.
Call = tuple[Sequence[str], Sequence[Argument]]


def connect(redis_url: str) -> redis.Redis:
    """A client that gives up soon: a function that waits costs money, and what called it retries."""
    return redis.Redis.from_url(
        redis_url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3)
    )


def text(value: bytes | str) -> str:
    """What the server holds is ASCII text; the client's types leave open whether it has been decoded."""
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Turn the client's errors into Unavailable, saying what it was that did not answer."""
    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(f"{what} did not answer: {error}") from error


class Script:
    """A script made of files in `lua/`, one after the other."""

    def __init__(self, *names: str) -> None:
        folder = Path(__file__).with_name("lua")
        self.text = "\n".join((folder / f"{name}.lua").read_text() for name in names)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


@cache
def script(*names: str) -> Script:
    return Script(*names)


def run(client: redis.Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    """Call a script once for each entry, all in one round trip.

    Raises:
        Unavailable: the server did not answer; any of the calls may have been carried out.
    """
    with answering("the live state"):
        answers = _pipelined(client, script, calls)
        if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
            # A restarted server has forgotten it. Scripts are idempotent: calls that got through may run again.
            client.script_load(script.text)
            answers = _pipelined(client, script, calls)
    for answer in answers:
        if isinstance(answer, Exception):
            raise Unavailable(f"the live state refused a script: {answer}") from answer
    return answers


def _pipelined(client: redis.Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for keys, arguments in calls:
        pipeline.evalsha(script.sha, len(keys), *keys, *arguments)
    return list(pipeline.execute(raise_on_error=False))
