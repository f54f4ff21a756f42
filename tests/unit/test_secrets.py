"""No secret is in the repository, the page, the templates or the log."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from cloudformation import FILES, ROOT, load, values

KINDS = {
    "an AWS access key": r"\b(?:AKIA|ASIA)(?![A-Z0-9]*EXAMPLE)[A-Z0-9]{16}\b",
    "an AWS secret key": r"(?i)aws_secret_access_key['\"]?\s*[:=]\s*['\"]?(?!\S*EXAMPLE)[A-Za-z0-9/+]{40}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}",
    "a token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"`{}$<>]+:[^\s/@'\"`{}$<>]+@[\w.-]+",
    "a token of GitHub's": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "a token of Slack's": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
}
SECRET_WORDS = re.compile(
    r"(?i)\b(?:\w*token|\w*secret|\w*password|credentials?|headers?|authorization|event|request|query\w*|body|claims)\b"
)


def sources() -> list[Path]:
    """Every file that is, or will be, in the repository, and is text."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - whatever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def found_in(text: str) -> set[str]:
    return {kind for kind, pattern in KINDS.items() if re.search(pattern, text)}


def test_no_file_holds_a_secret():
    files = sources()

    assert len(files) > 100
    assert {} == {str(path): found for path in files if (found := found_in(path.read_text(errors="replace")))}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("an AWS access key", "AKIA" + "ABCDEFGH12345678"),
        ("an AWS secret key", "aws_secret_access_key = " + "a1B2" * 10),
        ("a private key", "-----BEGIN EC " + "PRIVATE KEY-----\n" + "MHcCAQEEIIrYSSNQFaA2Hwf1duRS"),
        ("a token", ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiJ2aWV3ZXIifQ", "c2ln" * 8])),
        ("a password in a URL", "redis://functions:" + "hunter2@cache:6379/0"),
        ("a token of GitHub's", "ghp" + "_" + "a1B2c3" * 6),
        ("a token of Slack's", "xoxb" + "-1234567890-abc"),
    ],
)
def test_a_secret_would_be_found(kind: str, text: str):
    assert {kind} == found_in(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_template_reads_a_secrets_value(path: Path):
    nodes = [node for node in values(load(path)) if isinstance(node, str)]

    assert [] == [node for node in nodes if "{{resolve:" in node]


def test_functions_are_told_where_a_secret_is_and_not_what_it_is():
    given = {
        name
        for node in values(load())
        if isinstance(node, dict) and isinstance(node.get("Variables"), dict)
        for name in node["Variables"]
    }

    assert {"TOKEN_SECRET_ARN"} == {name for name in given if re.search("SECRET|PASSWORD|CREDENTIAL", name)}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "functions").rglob("*.py")), ids=lambda path: path.parent.name + path.name
)
def test_nothing_that_may_hold_a_token_is_logged(path: Path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    logged = [
        ast.unparse(argument)
        for call in calls
        if ast.unparse(call.func).startswith("logger.") and "inject_lambda_context" not in ast.unparse(call.func)
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
    ]

    # Sentences may speak of tokens; what is put into them may not be one.
    assert [] == [each for each in logged if not re.fullmatch(r"'[^']*'", each) and SECRET_WORDS.search(each)]
    assert "log_event" not in path.read_text()
