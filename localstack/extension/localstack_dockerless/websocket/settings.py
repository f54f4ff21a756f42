"""Every setting of the WebSocket gateway, read from the environment of LocalStack (README.md lists them)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

LISTEN_ADDRESS = "127.0.0.1"
# Clients that connect at once, or while the gateway is being restarted.
BACKLOG = 4096


@dataclass(frozen=True)
class Settings:
    port: int = 4510
    idle_s: float = 600.0
    lifetime_s: float = 7200.0
    integration_timeout_s: float = 29.0
    concurrency: int = 16
    send_buffer_bytes: int = 1024 * 1024
    stalled_s: float = 10.0

    @staticmethod
    def from_env(environ: Mapping[str, str] = os.environ) -> "Settings":
        """Raises ValueError that names the variable."""
        return Settings(
            port=int(_number(environ, "WEBSOCKET_PORT", Settings.port, lowest=0)),
            idle_s=_number(environ, "WEBSOCKET_IDLE_SECONDS", Settings.idle_s),
            lifetime_s=_number(environ, "WEBSOCKET_LIFETIME_SECONDS", Settings.lifetime_s),
            integration_timeout_s=_number(
                environ, "WEBSOCKET_INTEGRATION_TIMEOUT_SECONDS", Settings.integration_timeout_s
            ),
            concurrency=int(_number(environ, "WEBSOCKET_CONCURRENCY", Settings.concurrency, lowest=1)),
            send_buffer_bytes=int(
                _number(environ, "WEBSOCKET_SEND_BUFFER_BYTES", Settings.send_buffer_bytes, lowest=1)
            ),
            stalled_s=_number(environ, "WEBSOCKET_STALLED_SECONDS", Settings.stalled_s),
        )


def _number(environ: Mapping[str, str], name: str, default: float, *, lowest: float = 0.01) -> float:
    text = environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: expected a number, got {text!r}") from None
    if not lowest <= value < float("inf"):
        raise ValueError(f"{name}: expected at least {lowest}, got {text}")
    return value
