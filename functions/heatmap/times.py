"""UTC milliseconds inside, RFC 3339 outside."""

from datetime import UTC, datetime


def rfc3339(milliseconds: int) -> str:
    """A time as people and protocols write it: `2026-01-31T12:00:00.123Z`."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
