"""Forgetting a driver: the REST call, and what its answer says."""

import urllib.error
import urllib.request
from urllib.parse import quote

import msgspec

from fleetglow.errors import BadInput, FleetglowError, NotRunning
from fleetglow.options import http_url
from heatmap.errors import SHOWN_CHARACTERS
from heatmap.pings import FORBIDDEN_IN_IDS, MAX_ID_CHARACTERS
from heatmap.state import Forgotten

TIMEOUT_S = 30


class Kept(msgspec.Struct, frozen=True):
    """For how long what a driver has sent is kept elsewhere at most, in seconds."""

    stream: int
    failures: int
    logs: int


class Answer(msgspec.Struct, frozen=True):
    """What was removed of a driver, and what is still kept."""

    driver_id: str
    removed: Forgotten
    kept_seconds: Kept


class _Refusal(msgspec.Struct):
    message: str


def require_id(driver_id: str) -> None:
    """Raises BadInput unless a driver may be named so."""
    if not 0 < len(driver_id) <= MAX_ID_CHARACTERS or FORBIDDEN_IN_IDS.search(driver_id):
        expected = f"the id of a driver, 1 to {MAX_ID_CHARACTERS} characters without spaces, {{, }} and :"
        raise BadInput(f"DRIVER: expected {expected}, got {driver_id[:SHOWN_CHARACTERS]!r}")


def forgotten(driver_id: str, rest_url: str, token: str) -> Answer:
    """Have a driver forgotten by the stack whose REST API this is.

    Raises:
        BadInput: that is no URL, or no driver's id.
        NotRunning: nothing answers there.
        FleetglowError: it answers that it did not do it.
    """
    require_id(driver_id)
    url = f"{http_url('--rest-url', rest_url)}/drivers/{quote(driver_id, safe='')}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"}, method="DELETE")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - looked at above
            return msgspec.json.decode(response.read(), type=Answer)
    except urllib.error.HTTPError as error:
        raise FleetglowError(f"{driver_id} was not forgotten: {error.code} {_said(error.read())}") from error
    except OSError as error:
        raise NotRunning(f"nothing answers at {rest_url}: {error}") from error
    except msgspec.MsgspecError as error:
        raise FleetglowError(f"{rest_url} is no REST API of this version: {error}") from error


def _said(body: bytes) -> str:
    """What a refusal says in words, if it does."""
    try:
        return msgspec.json.decode(body, type=_Refusal).message
    except msgspec.MsgspecError:
        return body.decode(errors="replace")


def lines(answer: Answer) -> list[str]:
    """What a person is told."""
    removed, kept = answer.removed, answer.kept_seconds
    found = [f"from the counts of {city}" for city in removed.counted]
    found += [f"a reading that was held in {city}" for city in removed.held]
    found += [f"from those who have just fallen silent in {city}" for city in removed.silent]
    found += ["the city that it was at home in"] * removed.at_home
    gone = f"removed {', '.join(found)}" if found else "nothing was known of it"
    left = (
        f"pings in the stream for up to {_span(kept.stream)}; those that could not be applied in the failure queue for "
        f"up to {_span(kept.failures)}; logs for {_span(kept.logs)}"
    )
    return [f"{answer.driver_id}: {gone}", f"still kept: {left}"]


def _span(seconds: int) -> str:
    return f"{seconds // 86_400} days" if seconds % 86_400 == 0 and seconds > 86_400 else f"{seconds / 3_600:g} hours"
