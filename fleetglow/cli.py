"""The entry point. It imports next to nothing, so that Ctrl-C during the imports finds somebody who expects it."""

import signal
import sys
from typing import TYPE_CHECKING

from fleetglow.errors import INTERRUPTED, FleetglowError

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Until what cannot be interrupted is over.
AGAIN_S = 0.01


def main() -> None:
    """Run a command. An expected failure is one line on stderr and the exit status that `errors` has for it.

    Ctrl-C at any moment is status 130.
    """
    sys.unraisablehook = interrupt_again
    try:
        from fleetglow.command_line import app  # noqa: PLC0415

        app()
    except FleetglowError as error:
        sys.stderr.write(f"fleetglow: {error}\n")
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def interrupt_again(unraisable: "UnraisableHookArgs") -> None:
    """A Ctrl-C that hits where nothing can be raised, such as the end of an import, comes a moment later instead."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
    else:
        sys.__unraisablehook__(unraisable)
