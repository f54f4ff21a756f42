"""Every environment variable that a function reads, each declared once.

A function takes only the group it needs; a missing or malformed variable is named at the first use, not at import.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from heatmap.cells import KEPT_PRECISION, TILE_CHARACTERS
from heatmap.errors import Literal, Misconfigured

_LOCAL = {"127.0.0.1", "::1", "localhost"}


def text(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The value of a variable that must be set.

    Raises:
        Misconfigured: it is not set.
    """
    value = environment.get(name, "")
    if not value:
        raise Misconfigured(name, "a value in the function's environment", Literal("none"))
    return value


def number(name: str, least: int, most: int) -> int:
    """The value of a variable that must be a whole number within bounds."""
    value = text(name)
    if not _is_whole(value) or not least <= int(value) <= most:
        raise Misconfigured(name, f"a whole number from {least} to {most}", value)
    return int(value)


def _is_whole(value: str) -> bool:
    # Python refuses to read one of thousands of digits.
    return value.isascii() and value.isdecimal() and len(value) < 20


def precisions(value: str) -> tuple[int, ...]:
    """Ascending precisions from a comma-separated list."""
    parts = [part.strip() for part in value.split(",")]
    if not all(_is_whole(part) and TILE_CHARACTERS < int(part) <= KEPT_PRECISION for part in parts):
        raise Misconfigured("PRECISIONS", f"numbers from {TILE_CHARACTERS + 1} to {KEPT_PRECISION}, as 5,6,7", value)
    return tuple(sorted({int(part) for part in parts}))


@dataclass(frozen=True)
class LiveStateSettings:
    """Where the live state is, and which precisions it counts (REDIS_URL, PRECISIONS)."""

    redis_url: str
    precisions: tuple[int, ...]

    @classmethod
    def from_env(cls) -> "LiveStateSettings":
        return cls(text("REDIS_URL"), precisions(text("PRECISIONS")))


@dataclass(frozen=True)
class BroadcastSettings:
    """The broadcaster's rhythm (TICK_SECONDS, DRIVER_TTL_SECONDS, HEARTBEAT_SECONDS, POSTS_PER_SECOND)."""

    tick_ms: int
    driver_ttl_ms: int
    heartbeat_ms: int
    posts_per_second: int

    @classmethod
    def from_env(cls) -> "BroadcastSettings":
        return cls(
            tick_ms=1000 * number("TICK_SECONDS", 1, 60),
            driver_ttl_ms=1000 * number("DRIVER_TTL_SECONDS", 5, 86_400),
            heartbeat_ms=1000 * number("HEARTBEAT_SECONDS", 1, 300),
            posts_per_second=number("POSTS_PER_SECOND", 1, 1_000_000),
        )


def ping_stream() -> str:
    """The Kinesis stream's name (PING_STREAM)."""
    return text("PING_STREAM")


def deliveries_queue_url() -> str:
    """The queue from broadcaster to deliverer (DELIVERIES_QUEUE_URL)."""
    return text("DELIVERIES_QUEUE_URL")


def gone_queue_url() -> str:
    """The queue of connections found gone (GONE_QUEUE_URL)."""
    return text("GONE_QUEUE_URL")


def failure_queue_url() -> str:
    """The queue of stream batches that were given up (FAILURE_QUEUE_URL)."""
    return text("FAILURE_QUEUE_URL")


def max_connections_per_principal() -> int:
    """WebSocket connections of one token's subject at once; 0: any number (MAX_CONNECTIONS_PER_PRINCIPAL)."""
    return number("MAX_CONNECTIONS_PER_PRINCIPAL", 0, 1_000_000)


def heartbeat_seconds() -> int:
    """After how long without a frame a viewer gets a heartbeat (HEARTBEAT_SECONDS)."""
    return number("HEARTBEAT_SECONDS", 1, 300)


@dataclass(frozen=True)
class PingSettings:
    """How often a driver may ping: in the long run, and at once after a silence (PINGS_PER_SECOND, PINGS_BURST)."""

    per_second: int
    burst: int

    @classmethod
    def from_env(cls) -> "PingSettings":
        return cls(number("PINGS_PER_SECOND", 1, 1_000_000), number("PINGS_BURST", 1, 1_000_000))


def jump_speed() -> int:
    """Metres per second above which a driver has jumped, where its city does not say; 0: nobody has (JUMP_SPEED)."""
    return number("JUMP_SPEED", 0, 1_000_000_000)


def min_cell_drivers() -> int:
    """The least count that is told to those who may not see single drivers (MIN_CELL_DRIVERS)."""
    return number("MIN_CELL_DRIVERS", 1, 1_000)


@dataclass(frozen=True)
class RetentionSettings:
    """How long what drivers have sent is kept beside the live state, in seconds.

    From STREAM_RETENTION_HOURS, FAILURE_RETENTION_SECONDS and LOG_RETENTION_DAYS.
    """

    stream: int
    failures: int
    logs: int

    @classmethod
    def from_env(cls) -> "RetentionSettings":
        return cls(
            stream=3_600 * number("STREAM_RETENTION_HOURS", 24, 8_760),
            failures=number("FAILURE_RETENTION_SECONDS", 3_600, 1_209_600),
            logs=86_400 * number("LOG_RETENTION_DAYS", 1, 3_653),
        )


def degraded_lag_ms() -> int:
    """How far the counts may be behind the pings before that shows in the health (DEGRADED_LAG_SECONDS)."""
    return 1000 * number("DEGRADED_LAG_SECONDS", 1, 3_600)


def management_url() -> str:
    """Base URL of the @connections API: the WebSocket endpoint by HTTP (WEBSOCKET_API_ENDPOINT, WEBSOCKET_STAGE)."""
    endpoint = text("WEBSOCKET_API_ENDPOINT")
    if not endpoint.startswith(("ws://", "wss://")):
        raise Misconfigured("WEBSOCKET_API_ENDPOINT", "a ws:// or wss:// URL", endpoint)
    return "http" + endpoint.removeprefix("ws") + "/" + text("WEBSOCKET_STAGE")


def usage_keys() -> str:
    """What the API key of each usage plan begins with; the plan's name comes behind it (USAGE_KEYS)."""
    return text("USAGE_KEYS")


@dataclass(frozen=True)
class TokenSettings:
    """Whose tokens are taken (TOKEN_SECRET_ARN, JWKS_URL, TOKEN_ISSUER, TOKEN_AUDIENCE).

    Attributes:
        jwks_url: where the identity provider publishes its keys; "" if the secret is what tokens are signed with.
    """

    secret_arn: str
    jwks_url: str
    issuer: str
    audience: str

    @classmethod
    def from_env(cls) -> "TokenSettings":
        # An environment variable cannot be empty in all places: the template says none.
        url = text("JWKS_URL")
        jwks_url = "" if url == "none" else _public_or_local(url)
        return cls(text("TOKEN_SECRET_ARN"), jwks_url, text("TOKEN_ISSUER"), text("TOKEN_AUDIENCE"))


def _public_or_local(url: str) -> str:
    expected = "an https:// URL, or none"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Misconfigured("JWKS_URL", expected, url) from error
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)):
        # Whoever can change keys on their way can make tokens.
        raise Misconfigured("JWKS_URL", expected, url)
    return url
