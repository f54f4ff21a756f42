"""Processes by their ids, told apart from later ones with the same id by when they started."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

POLL_S = 0.05


def started_at(pid: int) -> str | None:
    """When a process started, in whatever unit the system tells; None if there is none, or only a zombie."""
    try:
        # The name, in parentheses, may hold anything; the state is the first field after it, the start the 20th.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _started_at_by_ps(pid)


def _started_at_by_ps(pid: int) -> str | None:
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip() or None


def is_running(pid: int, started: str) -> bool:
    return started_at(pid) == started


def end(pid: int, started: str, grace_s: float) -> bool:
    """Ask a process to end, and kill it if it has not after `grace_s`; False if it had to be killed."""
    with suppress(ProcessLookupError):
        if not is_running(pid, started):
            return True
        os.kill(pid, signal.SIGTERM)
        if _ended_within(pid, started, grace_s):
            return True
        os.kill(pid, signal.SIGKILL)
        _ended_within(pid, started, grace_s)
        return False
    return True


def _ended_within(pid: int, started: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid, started):
        with suppress(ChildProcessError):  # our own child stays a zombie until it is waited for
            os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def port_owner(port: int) -> str | None:
    """`name (pid n)` of the process that listens on a TCP port of this machine, where Linux lets us see it."""
    listening = "0A"
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(fd.readlink()) in inodes for fd in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
    return None
