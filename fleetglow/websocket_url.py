"""The URL of a WebSocket API's stage, as it is given."""

from yarl import URL

from fleetglow.errors import BadInput


def parsed(websocket_url: str) -> URL:
    """Raises BadInput if it is none."""
    expected = "a WebSocket URL as wss://host/stage"
    try:
        url = URL(websocket_url)
    except ValueError as error:
        raise BadInput(f"websocket_url: expected {expected}, got {websocket_url!r} ({error})") from error
    if url.scheme not in {"ws", "wss"} or not url.host:
        raise BadInput(f"websocket_url: expected {expected}, got {websocket_url!r}")
    return url
