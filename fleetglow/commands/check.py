"""`fleetglow check`: is every live driver counted exactly once, at every precision?"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetglow.errors import FleetglowError

if TYPE_CHECKING:
    from heatmap.state import Conservation


class NotExactError(FleetglowError):
    """Some sum over the cells differs from the live drivers, or there is none that could be compared with them."""


def check(json: Annotated[bool, typer.Option("--json", help="One JSON object, and nothing else.")] = False) -> None:
    """Compare the sum over the cells with the live drivers, in every city at every precision."""
    import msgspec
    import redis

    from adapters import settings, valkey
    from adapters.live_state import LiveState
    from fleetglow.deployment import discover
    from heatmap import errors

    deployment = discover()
    try:
        precisions = settings.precisions(deployment.outputs["Precisions"])
        state = LiveState(valkey.connect(deployment.redis_url), precisions)
        found = state.check(state.cities())
    except (errors.Unavailable, redis.RedisError) as error:
        raise FleetglowError(f"the live state at {deployment.redis_url} does not answer: {error}") from error
    wrong = reason_not_exact(found)
    if json:
        print(msgspec.json.encode({"exact": wrong is None, "cities": _cities(found)}).decode())  # noqa: T201 - the answer
    else:
        for line in readable(found):
            typer.echo(line)
    if wrong is not None:
        raise NotExactError(wrong)


def reason_not_exact(found: "Mapping[str, Conservation]") -> str | None:
    """Where the comparison fails, or cannot be made; None if every driver is counted once."""
    if wrong := ", ".join(city for city, each in found.items() if not each.exact):
        return f"the sums over the cells differ from the live drivers in {wrong}"
    # The finest precisions are counted only while somebody watches them, and there may be no others.
    if unknown := ", ".join(city for city, each in found.items() if each.stamp.live and not each.sums):
        return f"no precision is counted at present in {unknown}: there is nothing to compare the live drivers with"
    return None


def readable(found: "Mapping[str, Conservation]") -> Iterator[str]:
    """What a person is told, a line a city."""
    if not found:
        yield "no city has drivers: there is nothing to compare"
    for city, each in found.items():
        sums = ", ".join(f"{total} at precision {precision}" for precision, total in each.sums.items())
        yield f"{city}: {each.stamp.live} live drivers; sum over the cells {sums or 'at no precision'}"


def _cities(found: "dict[str, Conservation]") -> dict[str, Any]:
    return {city: {"live": each.stamp.live, "sums": each.sums} for city, each in found.items()}
