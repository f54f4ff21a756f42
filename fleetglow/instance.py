"""Which local stack a command means: its ports and the folder that holds its process files, logs and data."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from fleetglow.errors import BadInput, NotRunning

PROJECT_ROOT = Path(__file__).resolve().parent.parent
STACK_NAME = "fleetglow"
DEFAULT_PORT = 4566
# WebSocket APIs are served at the same distance from the port as with the default one, so that a second instance needs
# only another FLEETGLOW_PORT.
WEBSOCKET_PORT_OFFSET = 4510 - DEFAULT_PORT


@dataclass(frozen=True)
class Instance:
    """One local stack: `port` and `websocket_port` on 127.0.0.1, and `home`, a folder of its own."""

    home: Path
    port: int
    websocket_port: int

    @classmethod
    def from_env(cls, port: int | None = None) -> "Instance":
        """FLEETGLOW_HOME (default: `.fleetglow/` in the project), FLEETGLOW_PORT (4566), WEBSOCKET_PORT (4510).

        A port that is given comes before FLEETGLOW_PORT. Raises BadInput for what is no port.
        """
        home = Path(os.environ.get("FLEETGLOW_HOME") or PROJECT_ROOT / ".fleetglow").resolve()
        chosen = _port(os.environ.get("FLEETGLOW_PORT") or DEFAULT_PORT) if port is None else _port(port)
        return cls(home, chosen, _port(os.environ.get("WEBSOCKET_PORT") or chosen + WEBSOCKET_PORT_OFFSET))

    @property
    def local_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint_url(self) -> str:
        """Where the stack was deployed: what `up` last noted, else this instance's own port.

        Raises NotRunning if the note cannot be read.
        """
        try:
            return str(json.loads(self.stack_file.read_text())["endpoint_url"])
        except FileNotFoundError:
            return self.local_url
        except (ValueError, KeyError, TypeError) as error:
            raise NotRunning(f"{self.stack_file}: expected what `fleetglow up` writes there; run it again") from error

    @property
    def stack_file(self) -> Path:
        return self.home / "stack.json"

    @property
    def pid_file(self) -> Path:
        return self.home / "localstack.pid"

    @property
    def log_file(self) -> Path:
        return self.home / "localstack.log"

    @property
    def data_dir(self) -> Path:
        return self.home / "data"

    def make_home(self) -> None:
        """Make the folder, unless it is there. Raises BadInput if it cannot be written to."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            is_ours = os.access(self.home, os.W_OK)
        except OSError:
            is_ours = False
        if not is_ours:
            raise BadInput(f"FLEETGLOW_HOME: expected a folder that can be made and written to, got {self.home}")

    def remember_endpoint(self, endpoint_url: str) -> None:
        self.make_home()
        # Others may be reading it at this moment.
        whole = self.stack_file.with_suffix(f".{os.getpid()}")
        whole.write_text(json.dumps({"endpoint_url": endpoint_url}) + "\n")
        whole.replace(self.stack_file)

    def forget_endpoint(self) -> None:
        self.stack_file.unlink(missing_ok=True)


def _port(value: str | int) -> int:
    try:
        port = int(value)
    except ValueError:
        port = 0
    if not 1024 <= port <= 65535:
        raise BadInput(f"port: expected 1024 to 65535, got {value!r}")
    return port
