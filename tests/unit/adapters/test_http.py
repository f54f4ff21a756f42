import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from chalice.app import Chalice, Response
from hypothesis import given
from hypothesis import strategies as st

from adapters import http
from factories import a_rest_event
from heatmap.errors import FleetglowError, InvalidInput, Literal, Misconfigured, NotAllowed, RateLimited, Unavailable
from junk import TEXT, outcome


def answered(error: FleetglowError) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer of an application whose view raises an error, and its body."""
    app = http.application("failing")

    @app.route("/x", methods=["GET"])
    @http.errors_as_answers
    def view() -> Response:
        raise error

    answer: dict[str, Any] = app(a_rest_event("GET", "/x"), None)
    return answer, json.loads(answer["body"])


@pytest.mark.parametrize(("error", "status"), [(NotAllowed("no"), 403), (Unavailable("down"), 503)])
def test_an_error_of_ours_is_answered_with_its_code(error: FleetglowError, status: int):
    answer, body = answered(error)

    assert (status, {"code": error.code, "message": str(error)}) == (answer["statusCode"], body)


def test_why_a_part_did_not_answer_is_for_the_log_alone(monkeypatch: pytest.MonkeyPatch):
    logged: list[str] = []
    monkeypatch.setattr(http.logger, "warning", lambda _, reason: logged.append(reason))

    answer, body = answered(Unavailable("the stream did not take the pings", "arn:aws:sts::role may not"))

    assert ["the stream did not take the pings: arn:aws:sts::role may not"] == logged
    assert (503, "the stream did not take the pings") == (answer["statusCode"], body["message"])


def test_who_comes_too_fast_is_told_when_to_go_on():
    answer, body = answered(RateLimited("at most 2 a second", retry_after_ms=1_001))

    assert (429, "rate_limited", "2") == (answer["statusCode"], body["code"], answer["headers"]["Retry-After"])


def test_a_setting_that_makes_no_sense_is_logged_and_not_shown(monkeypatch: pytest.MonkeyPatch):
    logged: list[str] = []
    monkeypatch.setattr(http.logger, "error", lambda message, *arguments, **_: logged.append(message % arguments))

    answer, _ = answered(Misconfigured("PRECISIONS", "numbers", Literal("secret-7")))

    assert 500 == answer["statusCode"]
    assert ["Caught exception for path /x"] == logged
    assert not [word for word in ("PRECISIONS", "secret-7") if word in answer["body"]]


def test_a_setting_that_makes_no_sense_goes_through_the_view():
    @http.errors_as_answers
    def view() -> Response:
        raise Misconfigured("PRECISIONS", "numbers", "x")

    with pytest.raises(Misconfigured):
        view()


def test_an_application_logs_as_the_rest_does():
    app: Chalice = http.application("any")

    assert http.logger is app.log


@given(st.binary(max_size=60))
def test_a_body_is_there_as_it_was_sent(sent: bytes):
    assert sent == http.body(base64.b64encode(sent).decode(), is_base64=True)
    with suppress(UnicodeDecodeError):
        assert sent == http.body(sent.decode(), is_base64=False)


@given(TEXT, st.booleans())
def test_whatever_a_body_is_it_is_bytes_or_refused(text: str, is_base64: bool):
    found = outcome(lambda: http.body(text, is_base64=is_base64), InvalidInput)

    assert isinstance(found, bytes) or "not_utf8" == found.code
