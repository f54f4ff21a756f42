"""Processes that must not outlive LocalStack.

LocalStack can end in order, or by `kill -9`; either way no child may stay behind and no port stay taken. So each child
is recorded as an empty file named `<pid>-<start time>` in a folder of this LocalStack's own, and two things read that
folder:

- the warden (`warden.py`), a process that holds the read end of a pipe whose write end only LocalStack has. However
  LocalStack ends, the pipe closes, and the warden kills what is still recorded;
- the next start, in case that the warden was killed as well (`sweep_dead_owners`).

A process id alone could meanwhile belong to a stranger; the start time tells.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

# psutil derives start times from the boot time, which moves when the clock is set.
START_TIME_TOLERANCE_S = 2.0


class ProcessFolder:
    """The records of the children of one LocalStack process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, pid: int) -> None:
        """Record a child that leads its process group. A child that has ended already is not recorded."""
        with contextlib.suppress(psutil.NoSuchProcess):
            (self.path / _record_name(pid)).touch()

    def discard(self, pid: int) -> None:
        for record in self.path.glob(f"{pid}-*"):
            record.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Kill the process groups of everything recorded, and remove the folder."""
        if not self.path.is_dir():
            return
        for record in self.path.iterdir():
            pid, started = _parse_record(record.name)
            if not _is_a_stranger(pid, started):
                kill_group(pid)
        shutil.rmtree(self.path, ignore_errors=True)


def sweep_dead_owners(parent: Path) -> None:
    """Sweep the folders in `parent` whose LocalStack has ended."""
    if not parent.is_dir():
        return
    for folder in parent.iterdir():
        pid, started = _parse_record(folder.name)
        if not _is_running(pid, started):
            ProcessFolder(folder).sweep()


def kill_group(pid: int, sig: signal.Signals = signal.SIGKILL) -> None:
    # PermissionError: macOS answers so for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sig)


def stop_process(process: subprocess.Popen[Any], grace_s: float = 0.0) -> None:
    """End a child of `tethered_popen` and everything it started; with a grace, ask by SIGTERM first."""
    if grace_s > 0 and process.poll() is None:
        kill_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    kill_group(process.pid)
    process.wait()
    _tether.forget(process.pid)


def tethered_popen(args: list[str], **options: Any) -> subprocess.Popen[Any]:
    """`subprocess.Popen` of a process that ends at the latest with this one, with all that it started.

    The child leads a session of its own, so a Ctrl-C in the terminal reaches only LocalStack, which stops it in order.
    """
    return _tether.popen(args, **options)


def adopt(pid: int) -> None:
    """Tether a child that somebody else started, provided that it leads its process group."""
    _tether.adopt(pid)


def start_warden(parent: Path) -> None:
    """Sweep what earlier LocalStacks left in `parent`, and watch over the children of this one."""
    _tether.start(parent)


class _Tether:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: ProcessFolder | None = None
        self._warden: subprocess.Popen[bytes] | None = None

    def start(self, parent: Path) -> None:
        with self._lock:
            sweep_dead_owners(parent)
            self._folder = ProcessFolder(parent / _record_name(os.getpid()))
            self._folder.path.mkdir(parents=True, exist_ok=True)
            self._ensure_warden()

    def popen(self, args: list[str], **options: Any) -> subprocess.Popen[Any]:
        folder = self._require_folder()
        process = subprocess.Popen(args, start_new_session=True, **options)
        folder.add(process.pid)
        return process

    def adopt(self, pid: int) -> None:
        self._require_folder().add(pid)

    def forget(self, pid: int) -> None:
        if self._folder is not None:
            self._folder.discard(pid)

    def _require_folder(self) -> ProcessFolder:
        with self._lock:
            if self._folder is None:
                raise RuntimeError("start_warden() has to come before the first child process")
            self._ensure_warden()
            return self._folder

    def _ensure_warden(self) -> None:
        if self._folder is None or (self._warden is not None and self._warden.poll() is None):
            return
        # Popen's pipe ends are not inherited by other children, so the warden sees its input end exactly when we end.
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "localstack_dockerless.warden", str(self._folder.path)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )


def _record_name(pid: int) -> str:
    return f"{pid}-{psutil.Process(pid).create_time():.2f}"


def _parse_record(name: str) -> tuple[int, float]:
    pid, _, started = name.partition("-")
    return int(pid), float(started)


def _started_at(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def _is_running(pid: int, started: float) -> bool:
    actual = _started_at(pid)
    return actual is not None and abs(actual - started) < START_TIME_TOLERANCE_S


def _is_a_stranger(pid: int, started: float) -> bool:
    """Whether the id now belongs to another process.

    With the leader gone, its id stays reserved for as long as its group has members, so the group is still ours.
    """
    actual = _started_at(pid)
    return actual is not None and abs(actual - started) >= START_TIME_TOLERANCE_S


_tether = _Tether()
