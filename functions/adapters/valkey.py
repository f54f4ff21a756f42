"""The connection to Valkey, and scripts on it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from heatmap.errors import Refused, Unavailable

# In a URL's query: the cache in which its user logs in with IAM.
LOGIN_WITH_IAM = "iam"

# Seconds. A server that hangs is given up after 13 at most: whenever a command is tried again it has to be connected
# for, which is tried as often. A function that is ended by its time-out of 15 tells nobody to come back.
ANSWER_S = 4
CONNECT_S = 1
RETRIES = 1

# How servers begin to tell of a script's own failure. A command in it that failed is told as that command's error.
_SCRIPT_FAILED = "user_script:"

Argument = str | bytes | int

# One call of a script: its keys, then its arguments.
Call = tuple[Sequence[str], Sequence[Argument]]


def connect(redis_url: str) -> redis.Redis:
    """A client that gives up soon: a function that waits costs money, and what called it retries.

    Args:
        redis_url: `redis://host:port/0`, or `rediss://user@host:port/0?iam=cache` for TLS and a user of that cache who
            logs in with the function's role.
    """
    url = urlsplit(redis_url)
    login: redis.CredentialProvider | None = None
    if cache_name := dict(parse_qsl(url.query)).get(LOGIN_WITH_IAM):
        # Only here: what it imports would cost a function that does not need it its start.
        from adapters.cache_login import CacheLogin  # noqa: PLC0415

        login = CacheLogin.from_session(url.username or "", cache_name)
        url = url._replace(netloc=url.netloc.rpartition("@")[2], query="")
    return redis.Redis.from_url(
        url.geturl(),
        credential_provider=login,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=CONNECT_S,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES),
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
        raise Unavailable(f"{what} did not answer", error) from error


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
        Refused: the script fails on some of the arguments.
        Unavailable: the server did not answer. Either way any of the calls may have been carried out.
    """
    with answering("the live state"):
        answers = _pipelined(client, script, calls)
        if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
            # A restarted server has forgotten it. Scripts are idempotent: calls that got through may run again.
            client.script_load(script.text)
            answers = _pipelined(client, script, calls)
    for answer in answers:
        if isinstance(answer, Exception):
            refusal = Refused if str(answer).startswith(_SCRIPT_FAILED) else Unavailable
            raise refusal("the live state refused a script", answer) from answer
    return answers


def _pipelined(client: redis.Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for keys, arguments in calls:
        pipeline.evalsha(script.sha, len(keys), *keys, *arguments)
    return list(pipeline.execute(raise_on_error=False))
