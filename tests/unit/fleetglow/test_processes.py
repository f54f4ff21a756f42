import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fleetglow import processes

STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[str]]:
    """A process that does not end when asked to."""
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def started(pid: int) -> str:
    moment = processes.started_at(pid)
    assert moment is not None
    return moment


def test_a_process_is_told_from_another_with_its_id_by_its_start() -> None:
    own = os.getpid()

    assert [True, False] == [processes.is_running(own, started(own)), processes.is_running(own, "1")]


def test_a_process_that_does_not_end_when_asked_is_killed(stubborn: subprocess.Popen[str]) -> None:
    asked_was_enough = processes.end(stubborn.pid, started(stubborn.pid), grace_s=0.2)

    assert (False, None) == (asked_was_enough, processes.started_at(stubborn.pid))


def test_a_stranger_with_a_recorded_id_is_left_alone(stubborn: subprocess.Popen[str]) -> None:
    processes.end(stubborn.pid, "the start of another process", grace_s=0.2)

    assert processes.started_at(stubborn.pid) is not None
