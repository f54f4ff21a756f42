"""Every setting of the WebSocket gateway, read from the environment of LocalStack (README.md lists them)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from localstack_dockerless.settings import number

LISTEN_ADDRESS = "127.0.0.1"
# Clients that connect at once, or while the gateway is being restarted.
BACKLOG = 4096
SHORTEST_S = 0.01
PORT_REMEDY = ". Set WEBSOCKET_PORT to a free port, or to 0 for any"


@dataclass(frozen=True)
class Settings:
    port: int = 4510
    idle_s: float = 600.0
    lifetime_s: float = 7200.0
    integration_timeout_s: float = 29.0
    concurrency: int = 16
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    connects_per_s: int = 500
    send_buffer_bytes: int = 1024 * 1024
    stalled_s: float = 10.0

    @staticmethod
    def from_env(environ: Mapping[str, str] = os.environ) -> "Settings":
        """Raises ValueError that names the variable."""

        def seconds(name: str, default: float) -> float:
            return number(environ, name, default, lowest=SHORTEST_S)

        return Settings(
            port=int(number(environ, "WEBSOCKET_PORT", Settings.port, lowest=0, highest=65535)),
            idle_s=seconds("WEBSOCKET_IDLE_SECONDS", Settings.idle_s),
            lifetime_s=seconds("WEBSOCKET_LIFETIME_SECONDS", Settings.lifetime_s),
            integration_timeout_s=seconds("WEBSOCKET_INTEGRATION_TIMEOUT_SECONDS", Settings.integration_timeout_s),
            concurrency=int(number(environ, "WEBSOCKET_CONCURRENCY", Settings.concurrency, lowest=1)),
            connects_per_s=int(number(environ, "WEBSOCKET_CONNECTS_PER_SECOND", Settings.connects_per_s, lowest=0)),
            send_buffer_bytes=int(number(environ, "WEBSOCKET_SEND_BUFFER_BYTES", Settings.send_buffer_bytes, lowest=1)),
            stalled_s=seconds("WEBSOCKET_STALLED_SECONDS", Settings.stalled_s),
        )
