"""Where the deliverer posts, and where it says who is gone."""

import pytest

from fakes.fan_out import FakeFanOut
from fakes.queue import FakeQueue


@pytest.fixture
def fan_out() -> FakeFanOut:
    return FakeFanOut()


@pytest.fixture
def gone() -> FakeQueue:
    return FakeQueue()
