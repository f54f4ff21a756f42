"""What `fleetglow up` leaves behind when it does not get to its end."""

import io
import json
import signal
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

type Start = Callable[[Instance], bool]


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, 4990, 4934)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts what stands for LocalStack, and notes it, unless it runs."""
    started: list[subprocess.Popen[bytes]] = []

    def start(instance: Instance) -> bool:
        if is_running(instance):
            return False
        process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        started.append(process)
        note = {"pid": process.pid, "started": processes.started_at(process.pid)}
        instance.pid_file.write_text(json.dumps(note))
        return True

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


@pytest.fixture
def up(instance: Instance, progress: Progress, start: Start) -> Callable[..., None]:
    """A command that starts LocalStack, and is then stopped by an error or a signal, or else gets to its end."""

    def up(stopped_by: BaseException | signal.Signals | None = None, *, to_the_end: bool = False) -> None:
        with answered_for(instance, progress, to_the_end=to_the_end, start=start) as started:
            started()
            if isinstance(stopped_by, BaseException):
                raise stopped_by
            if stopped_by:
                signal.raise_signal(stopped_by)

    return up


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_ends_what_it_has_started(
    instance: Instance, up: Callable[..., None], told: io.StringIO, ending: BaseException | signal.Signals
):
    with pytest.raises(KeyboardInterrupt):
        up(ending)

    assert not is_running(instance)
    assert not instance.pid_file.exists()
    assert told.getvalue().startswith("stopping what was started")


@pytest.mark.parametrize("to_the_end", [False, True])
def test_interrupted_it_leaves_what_ran_before_and_says_how_to_end_it(
    instance: Instance, start: Start, up: Callable[..., None], told: io.StringIO, to_the_end: bool
):
    start(instance)
    with pytest.raises(KeyboardInterrupt):
        up(KeyboardInterrupt(), to_the_end=to_the_end)

    assert is_running(instance)
    assert "LocalStack ran before and runs on: `fleetglow down` ends it\n" == told.getvalue()


def test_of_two_at_once_the_interrupted_one_leaves_what_the_other_has_started(
    instance: Instance, progress: Progress, start: Start, up: Callable[..., None]
):
    def both() -> None:
        with answered_for(instance, progress, start=start) as second:
            up()
            second()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        both()

    assert is_running(instance)


def test_interrupted_before_anything_was_started_it_has_nothing_to_say(
    instance: Instance, progress: Progress, start: Start, told: io.StringIO
):
    with pytest.raises(KeyboardInterrupt), answered_for(instance, progress, start=start):
        raise KeyboardInterrupt

    assert "" == told.getvalue()


@pytest.mark.parametrize("error", [DeployFailed("no such node type"), LookupError("Outputs")])
def test_where_it_fails_what_was_started_runs_on_and_it_is_said_how_to_end_it(
    instance: Instance, up: Callable[..., None], told: io.StringIO, error: Exception
):
    with pytest.raises(type(error)):
        up(error)

    assert is_running(instance)
    assert "LocalStack runs on: `fleetglow up` tries again, `fleetglow down` ends it\n" == told.getvalue()


@pytest.mark.parametrize("to_the_end", [False, True])
def test_what_was_started_to_the_end_ends_with_the_command(
    instance: Instance, up: Callable[..., None], to_the_end: bool
):
    up(to_the_end=to_the_end)

    assert is_running(instance) is not to_the_end


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1:4566", "http://", "http://[::1"])
def test_what_is_no_url_is_refused_by_name(instance: Instance, progress: Progress, url: str):
    with pytest.raises(BadInput, match="--endpoint-url: expected an http:// or https:// URL, got '"):
        bring_up(instance, progress, lambda: False, endpoint_url=url)
