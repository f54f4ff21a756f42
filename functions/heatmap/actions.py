"""What clients ask for on the socket, validated: past this module there are no raw messages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from heatmap.cells import bbox_from
from heatmap.cities import Cities
from heatmap.errors import InvalidInput, Literal
from heatmap.frames import Encoding
from heatmap.viewports import Audience, Viewport, from_subscription, viewport

type Message = Mapping[str, Any]

MAX_ID_CHARACTERS = 64

# Each action's fields beside `action` and `id`.
FIELDS = {
    "subscribe": ("city", "precision", "bbox", "since", "encoding"),
    "unsubscribe": ("subscription",),
    "hello": (),
    "ping": ("ping",),
    "pings": ("pings",),
}


class Subscribe(msgspec.Struct, frozen=True):
    """To watch a viewport.

    Attributes:
        since, epoch: the revision that the client wants to go on from; 0 and "" for none.
    """

    viewport: Viewport
    encoding: Encoding
    since: int = 0
    epoch: str = ""


def id_of(message: Message) -> str | None:
    """What a client calls its message, if it calls it anything.

    Raises:
        InvalidInput: it is not a short text.
    """
    value = message.get("id")
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS):
        raise InvalidInput("id", f"text of at most {MAX_ID_CHARACTERS} characters", value)
    return value


def require_known_fields(message: Message, action: str) -> None:
    """Raise InvalidInput if there is a field that the action does not have."""
    known = ("action", "id", *FIELDS[action])
    for name in message:
        if name not in known:
            raise InvalidInput("message", f"only the fields {', '.join(known)}", name, code="unknown_field")


def unknown_action(message: Message) -> InvalidInput:
    """What a message without an action of ours is answered with."""
    got = message["action"] if "action" in message else Literal("none")
    return InvalidInput("action", f"one of {', '.join(FIELDS)}", got, code="unknown_action")


def subscribe(
    message: Message, cities: Cities, precisions: tuple[int, ...], audience: Audience = Audience.EXACT
) -> Subscribe:
    """A `subscribe` of somebody who belongs to an audience.

    Raises:
        InvalidInput: a field is malformed, or there is no such place, precision or encoding.
    """
    bbox = bbox_from(message["bbox"]) if message.get("bbox") is not None else None
    wanted = viewport(message.get("city"), message.get("precision"), bbox, cities, precisions)
    since, epoch = _resume_point(message.get("since"))
    return Subscribe(wanted.seen_by(audience), _encoding(message.get("encoding")), since, epoch)


def unsubscribe(message: Message, audience: Audience = Audience.EXACT) -> Viewport:
    """The viewport that an `unsubscribe` of somebody who belongs to an audience names.

    Raises:
        InvalidInput: it names none.
    """
    return from_subscription(message.get("subscription"), audience)


def _encoding(value: object) -> Encoding:
    if value is None:
        return Encoding.JSON
    for encoding in Encoding:
        if encoding == value:
            return encoding
    raise InvalidInput("encoding", f"one of {', '.join(Encoding)}", value, code="unknown_encoding")


def _resume_point(since: Any) -> tuple[int, str]:
    if since is None:
        return 0, ""
    expected = 'an object {"epoch": text, "rev": number}'
    if not isinstance(since, dict) or since.keys() != {"epoch", "rev"}:
        raise InvalidInput("since", expected, since)
    epoch, rev = since["epoch"], since["rev"]
    if not isinstance(epoch, str) or not isinstance(rev, int) or isinstance(rev, bool) or not 0 <= rev < 1 << 53:
        raise InvalidInput("since", expected, since)
    return rev, epoch
