"""What `start` becomes: LocalStack's own main program, left for good as soon as it has stopped in order."""

import os
import sys

from localstack.runtime.main import main


def run() -> None:
    code: object = 0
    try:
        main()  # type: ignore[no-untyped-call]
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything has been stopped by now, but some of LocalStack's threads sleep on for seconds, and Python would wait.
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    run()
