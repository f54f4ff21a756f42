"""A town for each test."""

import pytest
import redis

from connections import app
from integration.privacy.town import LEAST, PUBLIC, Screen, Town
from query import app as query
from query.reads import Reads


@pytest.fixture
def town(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Town:
    town = Town(client)
    monkeypatch.setattr(app, "viewers", lambda: town.viewers)
    reads = Reads(town.state, LEAST, town.clock)
    monkeypatch.setattr(query, "reads", lambda: reads)
    return town


@pytest.fixture
def screen(town: Town) -> Screen:
    """Somebody who watches what is published at precision 7."""
    screen = Screen("public-7", 7, PUBLIC)
    town.subscribe(screen)
    town.take(screen)
    return screen
