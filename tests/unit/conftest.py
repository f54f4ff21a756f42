"""Unit tests open no sockets."""

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets():
    # Event loops wake themselves over a pair of Unix sockets.
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
