import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from fleetglow import command_line
from fleetglow.cli import main
from fleetglow.command_line import app
from fleetglow.errors import FleetglowError, NotRunning, Refused

# Ctrl-C hits a destructor, where Python can only report the exception and go on.
UNRAISABLE = """
import sys
from fleetglow.cli import interrupt_again

class Interrupted:
    def __del__(self):
        raise KeyboardInterrupt

sys.unraisablehook = interrupt_again
Interrupted()
while True:
    pass
"""


def test_it_tells_its_version():
    told = CliRunner().invoke(app, ["--version"])

    assert (0, f"fleetglow {version('fleetglow')}\n") == (told.exit_code, told.stdout)


@pytest.fixture(autouse=True)
def hook(monkeypatch: pytest.MonkeyPatch) -> None:
    # `main` puts its own there.
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)


@pytest.mark.parametrize(
    "command",
    [
        "token --ttl 0",
        "simulate --duration inf",
        "simulate --drivers 0",
        "forget a:b",
        "watch --city atlantis",
        "play nowhere.csv",
        "up --parameter Zzz=1",
        "nonsense",
    ],
)
def test_what_a_command_does_not_take_is_status_2(monkeypatch: pytest.MonkeyPatch, command: str):
    monkeypatch.setattr(sys, "argv", ["fleetglow", *command.split()])

    with pytest.raises(SystemExit, match=r"^2$"):
        main()


@pytest.mark.parametrize("error", [NotRunning("nothing answers"), Refused("token: expected a valid one")])
def test_what_fails_otherwise_is_status_1_and_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: FleetglowError
):
    def status() -> None:
        raise error

    monkeypatch.setattr(command_line, "app", status)
    with pytest.raises(SystemExit, match=r"^1$"):
        main()

    assert f"fleetglow: {error}\n" == capsys.readouterr().err


def test_an_interrupt_that_cannot_be_raised_comes_a_moment_later():
    done = subprocess.run([sys.executable, "-c", UNRAISABLE], capture_output=True, text=True, timeout=30, check=False)

    assert (-signal.SIGINT, "") == (done.returncode, done.stdout)
    assert "Exception ignored" not in done.stderr


def test_the_entry_point_imports_next_to_nothing():
    code = "import sys, fleetglow.cli; print(*sorted({'typer', 'asyncio', 'boto3', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()


def test_help_waits_for_no_heavy_import():
    code = "import sys, fleetglow.command_line;print(*sorted({'aiohttp', 'boto3', 'redis', 'jwt'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()
