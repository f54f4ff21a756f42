"""Everything that the command line can refuse; `cli.main` prints the message after "fleetglow: " and exits with 1.

FleetglowError
├── NotRunning       no stack answers where one is expected
├── BadInput         an argument, a file or a setting is malformed or out of range
├── BadMessage       a server sent what is not of the live protocol
├── StartFailed      the local cloud did not start, or ended by itself
└── DeployFailed     the stack could not be built or deployed
"""

# The status of a command that Ctrl-C has ended: 128 + SIGINT, as shells have it.
INTERRUPTED = 130


class FleetglowError(Exception):
    """Base of all errors that are meant for the person at the terminal: one clear line."""


class NotRunning(FleetglowError):
    """No stack answers where one is expected."""


class BadInput(FleetglowError):
    """An argument, a file or a setting is malformed; the message says what was expected and what came."""


class BadMessage(FleetglowError):
    """A server sent what is not of the live protocol; the message says what was expected and what came."""


class StartFailed(FleetglowError):
    """The local cloud did not start, or ended by itself."""


class DeployFailed(FleetglowError):
    """The stack could not be built or deployed; the message names the resource at fault and its reason."""
