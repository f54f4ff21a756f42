"""Tests run in an environment without LocalStack, which has one of its own; so the package is found by its path."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
