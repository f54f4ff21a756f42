import json
from typing import Any

import pytest
from chalice.app import Chalice, Response

from adapters import http
from factories import a_rest_event
from heatmap.errors import FleetglowError, Literal, Misconfigured, NotAllowed, RateLimited, Unavailable


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
