import signal
import subprocess
import sys
from importlib.metadata import version

from typer.testing import CliRunner

from fleetglow.command_line import app

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
