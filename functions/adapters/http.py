"""REST answers: Chalice applications whose errors, of every kind, come back as `{"code", "message"}`."""

import base64
import time
from collections.abc import Callable
from functools import wraps
from math import ceil

import msgspec
from chalice.app import Chalice, Request, Response

from adapters.observability import Metric, count, logger
from heatmap.access import Principal, principal
from heatmap.errors import (
    Expired,
    FleetglowError,
    InvalidInput,
    Misconfigured,
    NotAllowed,
    RateLimited,
    TooLarge,
    Unavailable,
)

_STATUS: list[tuple[type[FleetglowError], int]] = [
    (TooLarge, 413),
    (InvalidInput, 400),
    (Expired, 401),
    (NotAllowed, 403),
    (RateLimited, 429),
    (Unavailable, 503),
]


def application(name: str) -> Chalice:
    """A Chalice application that logs as the rest does."""
    app = Chalice(app_name=name)
    # Chalice answers what nobody caught with a 500 and logs it here: as JSON, with the request's id.
    app.log = logger  # type: ignore[assignment]  # it has the methods that Chalice calls
    return app


def answer(status: int, body: object, retry_after_s: int = 0) -> Response:
    """A JSON answer, encoded here because Chalice's encoder is several times slower.

    Args:
        retry_after_s: when to come back; a 503 says so in any case.
    """
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json"}
    if retry_after_s or status == 503:
        headers["Retry-After"] = str(retry_after_s or 1)
    return Response(body=msgspec.json.encode(body).decode(), status_code=status, headers=headers)


def request(app: Chalice) -> Request:
    """The request that is being answered."""
    assert app.current_request is not None, "asked for outside a request"  # noqa: S101
    return app.current_request


def request_id(app: Chalice) -> str:
    """What API Gateway calls the current request, and tells its sender as `x-amzn-RequestId`."""
    return str(request(app).context.get("requestId", ""))


def caller(app: Chalice) -> Principal:
    """Who sent the current request, as the authorizer found.

    Raises:
        Expired: the token was good when the authorizer looked at it, whose answer is cached, and is over now.
    """
    sender = principal(request(app).context.get("authorizer") or {})
    sender.require_current(time.time_ns() // 1_000_000)
    return sender


def body(text: str | None, *, is_base64: bool) -> bytes:
    """A proxy event's body as it was sent.

    Raises:
        InvalidInput: it holds what cannot be sent as text.
    """
    try:
        return base64.b64decode(text or "", validate=True) if is_base64 else (text or "").encode()
    except ValueError as error:
        raise InvalidInput("body", "UTF-8", text, code="not_utf8") from error


def errors_as_answers[**P](view: Callable[P, Response]) -> Callable[P, Response]:
    """Let a view raise our errors: each is answered with its status."""

    @wraps(view)
    def answering(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return view(*args, **kwargs)
        except Misconfigured:
            # Chalice logs it and answers 500: it is nothing that a caller should be told, or could mend.
            raise
        except FleetglowError as error:
            if isinstance(error, Unavailable):
                logger.warning("unavailable", reason=str(error))
                count(Metric.UNAVAILABLE)
            wait_s = ceil(error.retry_after_ms / 1_000) if isinstance(error, RateLimited) else 0
            return answer(status_of(error), {"code": error.code, "message": error.told}, retry_after_s=wait_s)

    return answering


def status_of(error: FleetglowError) -> int:
    """The HTTP status of an error of ours."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
