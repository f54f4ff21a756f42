"""A driver is taken out of the live state."""

from typing import Any

from adapters.live_state import LiveState
from adapters.settings import RetentionSettings
from heatmap.access import ADMIN, Principal
from heatmap.errors import NotAllowed


def forget(state: LiveState, caller: Principal, driver_id: str) -> dict[str, Any]:
    """Forget a driver; tells where it was known, and for how long what it has sent is kept elsewhere.

    Raises:
        NotAllowed: the caller may not forget this driver, or not everywhere.
        Unavailable: the live state did not answer; some of it may be done, and all may be again.
    """
    caller.require(ADMIN)
    caller.require_driver(driver_id)
    if not caller.cities.are_all:
        raise NotAllowed(f"cities: expected a token that is good for all, got one for {caller.cities or 'none'}")
    removed = state.forget(driver_id)
    return {"driver_id": driver_id, "removed": removed, "kept_seconds": RetentionSettings.from_env()}
