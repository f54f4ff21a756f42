"""Forgetting a driver: the REST call, and what its answer says."""

import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

import msgspec

from fleetglow.errors import BadInput, FleetglowError, NotRunning
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


def forgotten(driver_id: str, rest_url: str, token: str) -> Answer:
    """Have a driver forgotten by the stack whose REST API this is.

    Raises:
        BadInput: that is no URL.
        NotRunning: nothing answers there.
        FleetglowError: it answers that it did not do it.
    """
    if urlsplit(rest_url).scheme not in {"http", "https"}:
        raise BadInput(f"--rest-url: expected an http:// or https:// URL, got {rest_url!r}")
    url = f"{rest_url.rstrip('/')}/drivers/{quote(driver_id, safe='')}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"}, method="DELETE")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - looked at above
            return msgspec.json.decode(response.read(), type=Answer)
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise FleetglowError(f"{driver_id} was not forgotten: {error.code} {said}") from error
    except OSError as error:
        raise NotRunning(f"nothing answers at {rest_url}: {error}") from error
    except msgspec.MsgspecError as error:
        raise FleetglowError(f"{rest_url} is no REST API of this version: {error}") from error


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
