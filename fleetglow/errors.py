"""Everything that the command line can refuse; `cli.main` prints the message after "fleetglow: ".

The exit status is 1, and 2 where a command was given what it does not take.

FleetglowError
├── NotRunning       no stack answers where one is expected
├── BadInput         an argument, a file or a setting is malformed or out of range; exits with 2
│   └── Refused      only the server could tell that it is, of a token or a viewport; exits with 1
├── BadMessage       a server sent what is not of the live protocol
├── StartFailed      the local cloud did not start, or ended by itself
└── DeployFailed     the stack could not be built or deployed
"""

from typing import ClassVar

# The status of a command that Ctrl-C has ended: 128 + SIGINT, as shells have it.
INTERRUPTED = 130


class FleetglowError(Exception):
    """Base of all errors that are meant for the person at the terminal: one clear line.

    Attributes:
        exit_status: that of a command which ends with it.
    """

    exit_status: ClassVar[int] = 1


class NotRunning(FleetglowError):
    """No stack answers where one is expected."""


class BadInput(FleetglowError):
    """An argument, a file or a setting is malformed; the message says what was expected and what came."""

    # As of an option that there is not.
    exit_status = 2


class Refused(BadInput):
    """A server does not take what it was sent, as a token or a viewport; nothing in this program could tell before."""

    exit_status = 1


class BadMessage(FleetglowError):
    """A server sent what is not of the live protocol; the message says what was expected and what came."""


class StartFailed(FleetglowError):
    """The local cloud did not start, or ended by itself."""


class DeployFailed(FleetglowError):
    """The stack could not be built or deployed; the message names the resource at fault and its reason."""
