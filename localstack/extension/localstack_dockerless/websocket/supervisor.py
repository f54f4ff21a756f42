"""The gateway process as LocalStack sees it: started, told of changes, started again when it dies."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

from localstack_dockerless import lifecycle
from localstack_dockerless.websocket.routing import Stage
from localstack_dockerless.websocket.settings import BACKLOG, LISTEN_ADDRESS, PORT_REMEDY, Settings

LOG = logging.getLogger(__name__)

POLL_S = 0.2
# Between two starts of a gateway that keeps dying.
RESTART_S = 1.0
STOP_S = 2.0


class GatewayStartError(Exception):
    """The gateway cannot be started; the message says why in one line."""


class GatewayProcess:
    """The socket belongs to LocalStack and is inherited by the process: the port is ours from start to end, and whoever
    connects while the process is being restarted waits in the backlog instead of being refused.
    """

    def __init__(self) -> None:
        self._changed = threading.Event()
        self._stages: Callable[[], Iterable[Stage]] = tuple
        self._stopping = False
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int | None:
        """None before the start."""
        return self._listener.getsockname()[1] if self._listener is not None else None

    def endpoint_of(self, api_id: str) -> str:
        """Raises RuntimeError before the start."""
        if self.port is None:
            raise RuntimeError("the WebSocket gateway is not running")
        return f"ws://{LISTEN_ADDRESS}:{self.port}/{api_id}"

    def start(self, settings: Settings, localstack_url: str) -> None:
        """Raises GatewayStartError if the port is taken: without the gateway no WebSocket API could be created."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LISTEN_ADDRESS, settings.port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            address = f"{LISTEN_ADDRESS}:{settings.port}"
            raise GatewayStartError(
                f"WebSocket gateway: cannot listen on {address}: {error.strerror}{PORT_REMEDY}"
            ) from error
        self._listener = listener
        command = [sys.executable, "-m", "localstack_dockerless.websocket", str(listener.fileno()), localstack_url]
        arguments = (command, listener.fileno())
        self._thread = threading.Thread(target=self._supervise, args=arguments, name="websocket-gateway", daemon=True)
        self._thread.start()

    def take_stages_from(self, stages: Callable[[], Iterable[Stage]]) -> None:
        self._stages = stages

    def publish(self) -> None:
        """Send the stages to the process soon."""
        self._changed.set()

    def stop(self) -> None:
        self._stopping = True
        self._changed.set()
        if self._thread is not None:
            self._thread.join(STOP_S * 2)
        if self._listener is not None:
            self._listener.close()

    def _supervise(self, command: list[str], descriptor: int) -> None:
        while not self._stopping:
            started = time.monotonic()
            # PYTHONSAFEPATH: a folder `localstack` in the working folder must not become part of the package.
            process = lifecycle.tethered_popen(
                command,
                stdin=subprocess.PIPE,
                pass_fds=(descriptor,),
                env={**os.environ, "PYTHONSAFEPATH": "1"},
            )
            self._changed.set()
            while process.poll() is None and not self._stopping:
                if self._changed.wait(POLL_S) and not self._stopping:
                    self._changed.clear()
                    _send(process, self._stages())
            if self._stopping:
                _stop(process)
                return
            lifecycle.stop_process(process)
            LOG.warning("WebSocket gateway: ended with status %s, starting it again", process.returncode)
            if time.monotonic() - started < RESTART_S:
                time.sleep(RESTART_S)


def _send(process: subprocess.Popen[bytes], stages: Iterable[Stage]) -> None:
    line = json.dumps([stage.to_json() for stage in stages]).encode() + b"\n"
    if process.stdin is None:
        return
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        # It has just died; the next one gets them.
        return


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End of input is the signal; the gateway says goodbye to its clients and ends."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        LOG.warning("WebSocket gateway: did not end within %s s", STOP_S)
    lifecycle.stop_process(process)
