"""What `fleetglow up` leaves behind when it does not get to its end."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from fleetglow import processes
from fleetglow.bring_up import answered_for, bring_up
from fleetglow.errors import BadInput, DeployFailed
from fleetglow.instance import Instance
from fleetglow.local_stack import is_running
from fleetglow.progress import Progress

type Start = Callable[[], None]


def stopped(instance: Instance, progress: Progress, error: BaseException, start: Start = lambda: None) -> None:
    """What `up` does when this stops it after so much was started."""

    def up() -> None:
        with answered_for(instance, progress):
            start()
            raise error

    with pytest.raises(type(error)):
        up()


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, 4990, 4934)


@pytest.fixture
def start(instance: Instance) -> Iterator[Start]:
    """Starts what stands for LocalStack, and notes it as `up` does."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        started.append(process)
        note = {"pid": process.pid, "started": processes.started_at(process.pid)}
        instance.pid_file.write_text(json.dumps(note))

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def told() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(told: io.StringIO) -> Progress:
    return Progress(Console(file=told, width=200))


def test_interrupted_it_ends_what_it_has_started(
    instance: Instance, start: Start, progress: Progress, told: io.StringIO
):
    stopped(instance, progress, KeyboardInterrupt(), start)

    assert not is_running(instance)
    assert not instance.pid_file.exists()
    assert told.getvalue().startswith("stopping what was started")


def test_interrupted_it_leaves_what_ran_before_and_says_how_to_end_it(
    instance: Instance, start: Start, progress: Progress, told: io.StringIO
):
    start()
    stopped(instance, progress, KeyboardInterrupt())

    assert is_running(instance)
    assert "LocalStack ran before and runs on: `fleetglow down` ends it\n" == told.getvalue()


def test_interrupted_before_anything_was_started_it_has_nothing_to_say(
    instance: Instance, progress: Progress, told: io.StringIO
):
    stopped(instance, progress, KeyboardInterrupt())

    assert "" == told.getvalue()


def test_where_it_fails_what_was_started_runs_on_and_it_is_said_how_to_end_it(
    instance: Instance, start: Start, progress: Progress, told: io.StringIO
):
    stopped(instance, progress, DeployFailed("no such node type"), start)

    assert is_running(instance)
    assert "LocalStack runs on: `fleetglow up` tries again, `fleetglow down` ends it\n" == told.getvalue()


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1:4566", "http://", "http://[::1"])
def test_what_is_no_url_is_refused_by_name(instance: Instance, progress: Progress, url: str):
    with pytest.raises(BadInput, match="--endpoint-url: expected an http:// or https:// URL, got '"):
        bring_up(instance, progress, endpoint_url=url)
