import pytest
from typer.testing import CliRunner

from fleetglow.command_line import app
from fleetglow.errors import BadInput
from fleetglow.options import http_url


def test_a_url_loses_the_slash_at_its_end():
    assert "https://api.example/live" == http_url("--rest-url", "https://api.example/live/")


@pytest.mark.parametrize("url", ["", "api.example", "ftp://api.example", "http://", "http://[::1", "http://x:y"])
def test_what_is_no_url_of_http_is_refused(url: str):
    with pytest.raises(BadInput, match=r"^--rest-url: expected an http:// or https:// URL, got '"):
        http_url("--rest-url", url)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("simulate --duration inf", "--duration: expected a number, got inf"),
        ("simulate --rest-url ftp://x --token t", "--rest-url: expected an http:// or https:// URL, got 'ftp://x'"),
        ("simulate --rest-url http://x", "--token: expected together with --rest-url, got nothing"),
        ("cost --interval inf", "--interval: expected a number, got inf"),
        ("logs ingest --since 5", "since: expected a duration as 30s, 10m, 2h or 1d, got '5'"),
        (
            "forget a:b",
            "DRIVER: expected the id of a driver, 1 to 128 characters without spaces, {, } and :, got 'a:b'",
        ),
        ("bench nope", "NAME: expected one of ingest, aggregate, frames, broadcast, subscribe, deliver, got nope"),
    ],
)
def test_a_wrong_argument_is_one_clear_line_before_any_stack_is_asked(command: str, line: str):
    refusal = CliRunner().invoke(app, command.split()).exception

    assert isinstance(refusal, BadInput)
    assert line == str(refusal)
