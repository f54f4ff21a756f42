"""How long what does not answer is waited for: a function that is ended by its time-out tells nobody to come back."""

import re
from pathlib import Path

import pytest
from botocore.config import Config

from adapters import ping_stream, queues, tokens, valkey
from deliver import app as deliver

ROOT = Path(__file__).parents[3]
# What a function needs besides, and the gateway's way back.
MARGIN_S = 2


@pytest.fixture
def timeout_s() -> int:
    """Of the functions that somebody waits for."""
    timeout = re.search(
        r"^Globals:.*?\n    Timeout: (\d+)$", (ROOT / "template.yaml").read_text(), re.DOTALL | re.MULTILINE
    )
    assert timeout
    return int(timeout[1])


def longest_s(patience: Config) -> float:
    attempts = patience.retries["total_max_attempts"]
    # Botocore's standard mode pauses for up to one second, then up to two, four, …
    pauses_s = sum(2**attempt for attempt in range(attempts - 1))
    return attempts * (patience.connect_timeout + patience.read_timeout) + pauses_s


@pytest.mark.parametrize("adapter", [ping_stream, queues, tokens], ids=lambda adapter: adapter.__name__)
def test_a_service_that_hangs_is_given_up_before_the_function_is(adapter, timeout_s: int):
    assert longest_s(adapter.PATIENCE) + MARGIN_S <= timeout_s


def test_a_live_state_that_hangs_is_given_up_before_the_function_is(timeout_s: int):
    wanted = valkey.connect("redis://127.0.0.1:6379/0").connection_pool.connection_kwargs
    retries = wanted["retry"].get_retries()
    pauses_s = sum(wanted["retry"]._backoff.compute(failures) for failures in range(1, retries + 1))

    # Whenever a command is tried again it has to be connected for, and that is tried as often.
    an_attempt_s = (retries + 1) * wanted["socket_connect_timeout"] + retries * pauses_s + wanted["socket_timeout"]
    assert (retries + 1) * an_attempt_s + pauses_s + MARGIN_S <= timeout_s


def test_a_deliverer_has_time_left_for_a_queue_that_hangs():
    # Ended by its time-out it would post every frame again.
    assert longest_s(queues.PATIENCE) < deliver.MARGIN_S


def test_the_secret_is_asked_for_with_that_patience():
    # What botocore makes of its standard mode is in attempts, too.
    config = tokens.secrets().client.meta.config

    assert (tokens.PATIENCE.connect_timeout, tokens.PATIENCE.read_timeout) == (
        config.connect_timeout,
        config.read_timeout,
    )
