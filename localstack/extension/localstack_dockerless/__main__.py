"""`localstack-dockerless`: start LocalStack in the foreground, set up to run without Docker."""

import argparse
import os
import sys
from pathlib import Path

from localstack_dockerless.start import DEFAULT_PORT, StartError, default_data_dir, start


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="localstack-dockerless",
        description="Start LocalStack in the foreground, set up to run without Docker. SIGINT or SIGTERM stops it.",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="of the gateway, on 127.0.0.1 (default: %(default)s)"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=default_data_dir(os.environ),
        help="everything is written there (default: %(default)s)",
    )
    arguments = parser.parse_args()
    try:
        start(arguments.port, arguments.data_dir, os.environ)
    except StartError as error:
        sys.exit(f"localstack-dockerless: {error}")


if __name__ == "__main__":
    main()
