import json
from typing import Any

import pytest

from adapters import websocket
from factories import a_socket_event
from heatmap.actions import Message
from heatmap.errors import FleetglowError, Misconfigured, NotAllowed, Unavailable


def raising(error: FleetglowError) -> Any:
    @websocket.action
    def route(event: websocket.Event, message: Message) -> dict[str, Any]:
        raise error

    return route(a_socket_event("hello", {"action": "hello", "id": "1"}))


@pytest.mark.parametrize("error", [NotAllowed("no"), Unavailable("down")])
def test_an_error_of_ours_is_answered_with_its_code(error: FleetglowError):
    named = {"type": "error", "action": "hello", "id": "1"}

    assert named | {"code": error.code, "message": str(error)} == json.loads(raising(error)["body"])


def test_why_a_part_did_not_answer_is_told_to_nobody():
    refused = raising(Unavailable("the live state did not answer", "cache-1.internal:6379 refused"))

    assert "the live state did not answer" == json.loads(refused["body"])["message"]


def test_a_setting_that_makes_no_sense_fails_the_function_and_is_told_to_nobody():
    with pytest.raises(Misconfigured):
        raising(Misconfigured("PRECISIONS", "numbers", "x"))


@pytest.mark.parametrize(
    "headers",
    [
        {"headers": {"Sec-WebSocket-Protocol": "fleetglow, token"}},
        {"headers": {"Sec-WebSocket-Protocol": "fleetglow, token"}, "multiValueHeaders": None},
        {"multiValueHeaders": {"sec-websocket-protocol": ["fleetglow, token"]}},
        # Of a header that comes twice the plain ones hold what came last.
        {
            "headers": {"Sec-WebSocket-Protocol": "token"},
            "multiValueHeaders": {"Sec-WebSocket-Protocol": ["fleetglow", "token"]},
        },
    ],
    ids=["one line", "no lists", "a list of one", "two lines"],
)
def test_subprotocols_are_offered_in_one_line_or_several(headers: dict[str, Any]):
    assert ["fleetglow", "token"] == websocket.offered_subprotocols(headers)


def test_who_offers_none_offers_none():
    assert [""] == websocket.offered_subprotocols({"headers": {"Host": "x"}, "multiValueHeaders": {"Host": ["x"]}})
