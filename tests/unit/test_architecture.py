"""The shape that the design asks for, held by the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
HANDLERS = sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def roots(folder: str) -> set[str]:
    return {name.partition(".")[0] for path in (FUNCTIONS / folder).rglob("*.py") for name in imported(path)}


def test_the_domain_does_no_io_and_knows_no_clock_and_no_environment():
    forbidden = {"adapters", "boto3", "botocore", "redis", "aiohttp", "os", "time", "chalice", "aws_lambda_powertools"}

    assert not roots("heatmap") & (forbidden | set(HANDLERS))


def test_adapters_know_no_handler():
    assert not roots("adapters") & set(HANDLERS)


@pytest.mark.parametrize("handler", HANDLERS)
def test_no_handler_knows_another(handler: str):
    assert not roots(handler) & (set(HANDLERS) - {handler})


def test_ingest_starts_without_the_live_states_client():
    # It is what senders wait for: redis alone costs a third of a second to import.
    code = "import sys, ingest.app; print(*sorted({'redis', 'duckdb'} & set(sys.modules)))"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(FUNCTIONS)}
    ).stdout

    assert "" == printed.strip()


@pytest.mark.parametrize("path", sorted(FUNCTIONS.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_packages_import_nothing_by_themselves(path: Path):
    assert "" == path.read_text()
