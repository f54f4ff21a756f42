from pathlib import Path

import pytest

from fleetglow.package import INPUTS, fingerprint


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in which every input of the deployment is a folder with one file, or a file."""
    for name in INPUTS:
        path = tmp_path / name / "file" if "." not in name and not name.endswith("Makefile") else tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize("name", INPUTS)
def test_a_change_of_any_input_changes_the_fingerprint(root: Path, name: str) -> None:
    before = fingerprint(root)
    path = root / name
    (path / "file" if path.is_dir() else path).write_text("changed")

    assert before != fingerprint(root)


def test_a_renamed_file_changes_the_fingerprint(root: Path) -> None:
    before = fingerprint(root)
    (root / "functions" / "file").rename(root / "functions" / "other")

    assert before != fingerprint(root)


def test_what_python_compiles_on_the_way_does_not(root: Path) -> None:
    before = fingerprint(root)
    (root / "functions" / "__pycache__").mkdir()
    (root / "functions" / "__pycache__" / "file.pyc").write_text("compiled")

    assert before == fingerprint(root)
