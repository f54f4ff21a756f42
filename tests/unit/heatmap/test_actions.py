"""What clients send on the socket: an action of ours, or an error with a code that is described."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import websocket
from described import DOCUMENT
from heatmap import actions
from heatmap.cells import BBox
from heatmap.cities import cities
from heatmap.errors import InvalidInput
from heatmap.viewports import Audience, from_subscription, viewport
from junk import DEPTHS, TEXT, VALUES, nested, outcome, spoiled, written

CODES = set(DOCUMENT["components"]["schemas"]["code"]["enum"])
PRECISIONS = (4, 5, 6, 7, 8)
GOOD = (
    {"action": "subscribe", "city": "lagos", "precision": 7, "bbox": [6.4, 3.3, 6.5, 3.5], "id": "1"},
    {"action": "subscribe", "city": "s14", "precision": 5, "since": {"epoch": "e", "rev": 7}, "encoding": "deflate"},
    {"action": "unsubscribe", "subscription": "lagos/7/s14hn-s14wm"},
    {"action": "hello"},
)


def understood(text: str) -> actions.Subscribe | actions.Message | object:
    """What a message asks for."""
    message = websocket.message({"body": text})
    actions.id_of(message)
    action = message.get("action")
    if not isinstance(action, str) or action not in actions.FIELDS:
        raise actions.unknown_action(message)
    actions.require_known_fields(message, action)
    if action == "subscribe":
        return actions.subscribe(message, cities(), PRECISIONS)
    return actions.unsubscribe(message) if action == "unsubscribe" else message


@given(TEXT | written(VALUES | spoiled(*GOOD)))
def test_whatever_comes_is_understood_or_refused_with_a_code_that_is_described(text: str):
    wanted = outcome(lambda: understood(text), InvalidInput)

    if isinstance(wanted, InvalidInput):
        assert wanted.code in CODES
        assert ": expected " in str(wanted)
        # It goes back to the client, in one message.
        assert len(json.dumps(str(wanted))) < 1_000
    elif isinstance(wanted, actions.Subscribe):
        assert wanted.viewport == from_subscription(wanted.viewport.subscription)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    "text",
    ['{"action": %s}', '{"action": "subscribe", "city": %s}', '{"action": "hello", "id": %s}', "%s"],
)
def test_a_message_of_any_depth_is_refused(text: str, depth: int):
    with pytest.raises(InvalidInput):
        understood(text % nested(depth))


LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
BOXES = st.builds(
    lambda a, b, c, d: BBox(min(a, b), min(c, d), max(a, b), max(c, d)), LATITUDES, LATITUDES, LONGITUDES, LONGITUDES
)


@given(
    st.sampled_from([*cities().named, "s14", "000", "zzz"]),
    st.sampled_from(PRECISIONS),
    st.none() | BOXES,
    st.sampled_from(Audience),
)
def test_a_viewport_is_found_again_by_its_subscription(
    city: str, precision: int, bbox: BBox | None, audience: Audience
):
    try:
        watched = viewport(city, precision, bbox, cities(), PRECISIONS).seen_by(audience)
    except InvalidInput:
        return

    assert watched == from_subscription(watched.subscription, audience)
