"""Schemathesis asks whatever docs/openapi.yaml describes, and whatever it does not, while a fleet pings."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from described_rest import operations, problems
from e2e.fuzzing import BEGAN_AT, SEED, TIMEOUT_S, TIMES, GoodPings
from e2e.nonsense import BODIES, made
from e2e.support import Api, settled
from fleetglow.deployment import Deployment

HERE = Path(__file__).parent
DESCRIPTION = HERE.parents[1] / "docs/openapi.yaml"
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EVERYTHING = "pings:write heatmap:read drivers:read admin"
# What they are in the examples: they would be in the counts of tests to come.
EXAMPLES = ("van-7", "van-8")
# Of an operation, beside those that are the same for every seed.
CASES = 30 * TIMES


def asked(stack: Deployment, folder: Path, scope: str, *options: str) -> dict[str, Any]:
    """What schemathesis reports of a run with a token of a scope; what it prints is shown if the test fails."""
    report = folder / "report.json"
    token = stack.token(scope, "fuzz", 3600)
    where = ["--config-file", HERE / "openapi_fuzz.toml", "--no-color", "run", DESCRIPTION, "--url", stack.rest_url]
    what = ["--seed", str(SEED), "--report-json-path", report, *options]
    # Also where the run fails: what it was sent follows from these.
    print(f"{scope}: FUZZ_SEED={SEED} FUZZ_BEGAN_AT={BEGAN_AT}")  # noqa: T201
    subprocess.run(
        [SCHEMATHESIS, *where, *what],
        cwd=folder,
        env=os.environ
        | {
            "FUZZ_TOKEN": token,
            "FUZZ_BEGAN_AT": str(BEGAN_AT),
            "PYTHONPATH": str(HERE.parent),
            "PYTHONHASHSEED": "0",
        },
        timeout=TIMEOUT_S,
        check=False,
    )
    found: dict[str, Any] = json.loads(report.read_text())
    cases, rates = found["test_cases"], found["valid_rates"]
    print(f"{scope}: {cases['generated']:,} cases in {found['running_time']:.0f} s, {rates}")  # noqa: T201
    return found


@pytest.mark.timeout(TIMEOUT_S)
def test_whatever_is_asked_each_answer_is_as_described_and_no_good_ping_is_lost(
    api: Api,
    stack: Deployment,
    tmp_path: Path,
    exact: Callable[[], bool],
    failures: Callable[[], list[Any]],
):
    with GoodPings(api, -33.9, 18.4) as good:
        everything = asked(stack, tmp_path, EVERYTHING, "--max-examples", str(CASES))
        published = asked(stack, tmp_path, "heatmap:read", "--phases", "coverage", "--include-method", "GET")
    settled(api)
    are_counted = good.counted(stack)

    assert ([], []) == (everything["failures"], everything["errors"])
    assert ([], []) == (published["failures"], published["errors"])
    assert set(everything["valid_rates"]) == {f"{method} {path}" for method, path in operations()}
    assert all(sum(phase["accepted"] for phase in each.values()) for each in everything["valid_rates"].values())
    assert (good.sent, True) == (good.accepted, are_counted)
    assert exact()
    assert [] == failures()
    assert "ok" == api.get("/health")["status"]
    for driver_id in EXAMPLES:
        assert 200 == Api(stack.rest_url, stack.token("admin", "fuzz", 60)).call("DELETE", f"/drivers/{driver_id}")[0]


# A description knows only of JSON.
@pytest.mark.timeout(TIMEOUT_S)
def test_whatever_is_posted_it_is_answered_as_described(
    api: Api, exact: Callable[[], bool], failures: Callable[[], list[Any]]
):
    answers = [(body, *api.call("POST", "/pings", body)) for body in made(BODIES, 3 * CASES, SEED)]
    settled(api)

    assert [] == [(body, *wrong) for body, *answer in answers if (wrong := problems("POST", "/pings", *answer))]
    assert {202, 400} == {status for _, status, _ in answers}
    assert exact()
    assert [] == failures()
