import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from deliver import app
from deliver.deliverer import QueuedJob
from factories import NOW, LambdaContext, an_sqs_event

FUNCTIONS = Path(__file__).parents[3] / "functions"


class FakeDeliverer:
    """Remembers what it was last asked for."""

    def __init__(self) -> None:
        self.jobs: Sequence[QueuedJob] = []
        self.patience_s = 0.0

    def deliver(self, jobs: Sequence[QueuedJob], patience_s: float) -> None:
        self.jobs = jobs
        self.patience_s = patience_s


@pytest.fixture
def deliverer(monkeypatch: pytest.MonkeyPatch) -> FakeDeliverer:
    deliverer = FakeDeliverer()
    monkeypatch.setattr(app, "deliverer", lambda: deliverer)
    return deliverer


def test_every_job_of_a_batch_is_delivered(deliverer: FakeDeliverer):
    app.lambda_handler(an_sqs_event("one", "two"), LambdaContext())

    assert [QueuedJob("0", "one", NOW), QueuedJob("1", "two", NOW)] == deliverer.jobs


@pytest.mark.parametrize(("remaining_ms", "patience_s"), [(30_000, 20), (12_000, 4), (4_000, -4)])
def test_posting_ends_well_before_the_function_does(deliverer: FakeDeliverer, remaining_ms: int, patience_s: float):
    app.lambda_handler(an_sqs_event("one"), LambdaContext(remaining_ms=remaining_ms))

    assert patience_s == deliverer.patience_s


def test_it_starts_without_the_live_states_client_and_other_peoples_http_clients():
    code = "import sys, deliver.app; print(*sorted({'redis', 'aiohttp', 'chalice', 'jwt'} & set(sys.modules)))"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(FUNCTIONS)}
    ).stdout

    assert "" == printed.strip()
