"""What viewers ask for on the socket; each returns the fields of its ack."""

from collections.abc import Callable
from typing import Any

from adapters import settings, websocket
from connections.viewers import Viewers
from heatmap import actions
from heatmap.access import HEATMAP_READ
from heatmap.cities import cities, listed
from heatmap.privacy import audience_of, least_told, precisions_for, require_precision

type Route = Callable[[Viewers, websocket.Event, actions.Message], dict[str, Any]]


def subscribe(viewers: Viewers, event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    """Watch a viewport.

    Raises:
        InvalidInput: a field makes no sense, or the connection has as many subscriptions as it may.
        NotAllowed: the caller may not see that.
        Unavailable: the live state or the queue did not answer.
    """
    caller = websocket.caller(event)
    caller.require(HEATMAP_READ)
    wanted = actions.subscribe(message, cities(), viewers.precisions, audience_of(caller))
    caller.require_city(wanted.viewport.city)
    require_precision(caller, wanted.viewport.precision)
    stamp = viewers.subscribe(websocket.connection_id(event), caller, wanted)
    return {
        "subscription": wanted.viewport.subscription,
        "epoch": stamp.epoch,
        "rev": stamp.rev,
        "heartbeat_seconds": settings.heartbeat_seconds(),
        "min_cell_drivers": least_told(wanted.viewport.audience, settings.min_cell_drivers()),
    }


def unsubscribe(viewers: Viewers, event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    """Watch a viewport no longer; raises InvalidInput if it is none that the connection watches."""
    watched = actions.unsubscribe(message, audience_of(websocket.caller(event)))
    viewers.unsubscribe(websocket.connection_id(event), watched)
    return {"subscription": watched.subscription}


def hello(viewers: Viewers, event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    """What there is for the caller to watch."""
    caller = websocket.caller(event)
    return {
        "connection_id": websocket.connection_id(event),
        "precisions": precisions_for(audience_of(caller), viewers.precisions),
        "cities": [city for city in listed(cities()) if city["name"] in caller.cities],
    }


def unknown(viewers: Viewers, event: websocket.Event, message: actions.Message) -> dict[str, Any]:
    """Nothing: raises InvalidInput, which lists what there is."""
    raise actions.unknown_action(message)
