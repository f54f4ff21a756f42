"""Finding the stack where something listens and says nothing, as a LocalStack that is starting or overloaded."""

import socket
import time
from pathlib import Path

import pytest

from fleetglow.deployment import discover
from fleetglow.errors import NotRunning
from fleetglow.instance import Instance

# As long as Ctrl-C may take to be obeyed: one attempt of 2 s, and the imports of boto3.
BRIEF_S = 6.0


def test_who_follows_a_stack_waits_briefly_for_its_answer(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(NotRunning, match=f"nothing answers at http://127.0.0.1:{port}"):
            discover(Instance(tmp_path, port, port + 1), briefly=True)

    assert time.monotonic() - began < BRIEF_S
