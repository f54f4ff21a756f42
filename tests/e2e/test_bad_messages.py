"""What a hostile or broken client may send on the socket: an error with a code, and nobody else feels it."""

import json
from collections.abc import Callable

import pytest

from adapters.live_state import LiveState
from e2e.flood import flooded
from e2e.sockets import connected, lives
from e2e.support import Api, until
from fleetglow.deployment import Deployment
from heatmap.cities import cities
from heatmap.frames import Encoding
from heatmap.viewports import viewport

SUBSCRIBE = {"action": "subscribe", "city": "nairobi", "precision": 7}
NAIROBI = viewport("nairobi", 7, None, cities(), (7,))
# tests/soak/test_flood.py sends 10,000.
SURPLUS = 1_000
THREE_TICKS_S = 9


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "not_json"),
        ("[]", "not_json"),
        ("[" * 30_000, "not_json"),
        ({"action": "dance"}, "unknown_action"),
        ({"action": 7}, "unknown_action"),
        ({"action": ["subscribe"]}, "unknown_action"),
        ({"action": "$connect"}, "unknown_action"),
        ({"action": "$disconnect"}, "unknown_action"),
        (SUBSCRIBE | {"city": 5}, "unknown_city"),
        (SUBSCRIBE | {"precision": "7"}, "unknown_precision"),
        (SUBSCRIBE | {"precision": 7.5}, "unknown_precision"),
        (SUBSCRIBE | {"bbox": {"south": 1}}, "invalid"),
        (SUBSCRIBE | {"bbox": [-1.4, 36.6, -1.1, None]}, "invalid"),
        (SUBSCRIBE | {"bbox": [-90, -180, 90, 180]}, "too_large"),
        (SUBSCRIBE | {"bbox": [51.4, -0.2, 51.6, 0.1]}, "outside_city"),
        (SUBSCRIBE | {"since": {"epoch": "e", "rev": 1e400}}, "not_json"),
        (SUBSCRIBE | {"encoding": "brotli"}, "unknown_encoding"),
        (SUBSCRIBE | {"id": {"a": 1}}, "invalid"),
        (SUBSCRIBE | {"city": "x" * 30_000}, "unknown_city"),
        ({"action": "unsubscribe", "subscription": 5}, "invalid"),
        ({"action": "unsubscribe", "subscription": NAIROBI.subscription}, "unknown_subscription"),
        ({"action": "ping", "ping": {"driver_id": "x", "lat": 91, "lon": 0}}, "out_of_range"),
    ],
    ids=lambda value: json.dumps(value)[:40] if not isinstance(value, str) else value[:20],
)
async def test_what_makes_no_sense_is_an_error_with_a_code_and_the_connection_lives(
    stack: Deployment, message: object, code: str
):
    async with connected(stack) as socket:
        answer = await socket.ask(
            json.dumps(message).replace("Infinity", "1e400") if message != str(message) else message
        )

        # A message of pings is answered ping by ping.
        refusals = [answer, *answer.get("rejected", [])]
        assert code in {refusal.get("code") for refusal in refusals}
        assert await lives(socket)


async def test_a_frame_of_33_kb_ends_the_connection_as_the_protocol_says(stack: Deployment, api: Api):
    async with connected(stack) as bystander, connected(stack) as socket:
        await socket.send({"action": "hello", "id": "x" * 33 * 1024})

        assert 1009 == await socket.close_code()
        assert await lives(bystander)
    assert "ok" == api.get("/health")["status"]


async def test_a_flood_of_subscriptions_is_answered_one_by_one_and_nobody_else_feels_it(
    stack: Deployment, state: LiveState, api: Api, exact: Callable[[], bool]
):
    flood = await flooded(stack, state, SURPLUS, traffic_s=15)

    flood.check(SURPLUS)
    assert flood.silence_s < THREE_TICKS_S
    assert "ok" == until(lambda: api.get("/health")["status"])
    assert exact()


async def test_nobody_acts_for_another_connection(stack: Deployment, state: LiveState):
    async with connected(stack) as victim, connected(stack) as attacker:
        whose = (await victim.ask({"action": "hello"}))["connection_id"]
        subscription = (await victim.ask(SUBSCRIBE))["subscription"]

        named = await attacker.ask({"action": "unsubscribe", "subscription": subscription, "connection_id": whose})
        unnamed = await attacker.ask({"action": "unsubscribe", "subscription": subscription})
        subscribed = await attacker.ask(SUBSCRIBE | {"connection_id": whose})

        assert ["unknown_field", "unknown_subscription", "unknown_field"] == [
            answer["code"] for answer in (named, unnamed, subscribed)
        ]
        assert [{Encoding.JSON: [whose]}] == state.viewers([NAIROBI])


async def test_a_token_for_pings_watches_nothing_and_one_for_watching_sends_nothing(stack: Deployment):
    ping = {"action": "ping", "ping": {"driver_id": "intruder", "lat": -1.3, "lon": 36.8}}
    async with connected(stack, "pings:write") as sender, connected(stack, "heatmap:read") as viewer:
        assert "forbidden" == (await sender.ask(SUBSCRIBE))["code"]
        assert "forbidden" == (await viewer.ask(ping))["code"]
