"""The process that cleans up after LocalStack: `python -m localstack_dockerless.warden FOLDER`.

It waits until its standard input ends, which is when LocalStack has ended, and then kills the processes recorded in
FOLDER.
"""

import signal
import sys
from pathlib import Path

from localstack_dockerless.lifecycle import ProcessFolder


def main() -> None:
    # A supervisor that stops a service signals all its processes; this one has to be the last.
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    sys.stdin.buffer.read()
    ProcessFolder(Path(sys.argv[1])).sweep()


if __name__ == "__main__":
    main()
