"""`docs/asyncapi.yaml` says what is sent: by the application, by our client, and in the examples of the page."""

import ast
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft7Validator

from described import (
    DOCUMENT,
    FROM_CLIENTS,
    FROM_SERVER,
    MESSAGES,
    REGISTRY,
    URI,
    Json,
    from_client,
    from_server,
    kinds,
)
from fakes.heat_server import FakeHeatServer
from fleetglow.conversation import Conversation, Patience
from fleetglow.feed import Feed
from fleetglow.protocol import Hello, Since, Subscribe, Unsubscribe, decode, encode
from heatmap import actions
from heatmap.cells import ALPHABET, TileRange
from heatmap.frames import MAX_MESSAGE_BYTES, Encoding, Frames
from heatmap.pings import MAX_PINGS, parse
from heatmap.state import Stamp
from heatmap.tiles import Tiles
from heatmap.viewports import Viewport

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
OFFICIAL = ROOT / "web/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
EXAMPLES = [(name, example["payload"]) for name, message in MESSAGES.items() for example in message["examples"]]


def test_the_document_is_asyncapi_3():
    schema = json.loads(OFFICIAL.read_text())

    assert [] == [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(DOCUMENT)]


def test_what_the_official_schema_refuses_is_refused():
    schema = json.loads(OFFICIAL.read_text())
    wrong = deepcopy(DOCUMENT) | {"operations": {"subscribe": {"action": "watch"}}}

    assert not Draft7Validator(schema).is_valid(wrong)


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere_and_nothing_is_there_for_nothing():
    used = set(references(DOCUMENT))
    resolver = REGISTRY.resolver(URI)
    for reference in used:
        assert resolver.lookup(reference).contents, reference

    parts = {f"#/components/{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named}
    messages = {f"#/channels/live/messages/{name}" for name in DOCUMENT["channels"]["live"]["messages"]}
    assert set() == (parts | messages) - used


@pytest.mark.parametrize("name", MESSAGES)
def test_every_schema_is_one(name: str):
    Draft7Validator.check_schema(MESSAGES[name]["payload"])


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_of_its_own_kind_and_of_no_other(name: str, example: Json):
    assert [name] == kinds(example)
    if name in FROM_SERVER:
        assert decode(json.dumps(example)) is not None


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_a_field_too_many_or_too_few_is_refused(name: str, example: Json):
    assert [] == kinds(example | {"mood": "sunny"})
    for field in MESSAGES[name]["payload"]["required"]:
        assert name not in kinds({key: value for key, value in example.items() if key != field}), field


SHOWN = [line for line in PROTOCOL.splitlines() if line.startswith('{"type"')]


@pytest.mark.parametrize("text", SHOWN, ids=[json.loads(text)["type"] for text in SHOWN])
def test_every_message_that_the_protocols_page_shows_is_described(text: str):
    shown = {"ack": "subscribeAck"} | {name: name for name in MESSAGES}

    assert [shown[json.loads(text)["type"]]] == from_server(text)


def test_api_gateways_own_answer_is_described_as_the_page_has_it():
    [text] = re.findall(r'`(\{"message": "Internal server error".*?\})`', PROTOCOL)

    assert ["gatewayError"] == from_server(text)


KEYS = [a + b for a in ALPHABET for b in ALPHABET]
TILES = [f"s14m{character}" for character in ALPHABET[:12]]
FEW = {"s14mk2x": 4, "s14mk31": 0, "s14mm00": 1}
_CHANCE = Random(1)
MANY = {tile + key: _CHANCE.randrange(5_000) for key in KEYS for tile in TILES}


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("cells", [{}, FEW, MANY], ids=["none", "few", "many"])
def test_what_the_application_sends_viewers_is_described(encoding: Encoding, cells: dict[str, int]):
    frames = Frames("lagos", 7, Stamp("9c1f02ab", 130, 9_877, 0), Tiles(cells), 1_769_860_803_000)
    viewport = Viewport("lagos", 7, TileRange("s14hn", "s14wm"))

    snapshot, delta = frames.snapshot(viewport, encoding), frames.delta(viewport, 123, encoding)

    assert {"snapshot"} == set(from_server(*snapshot))
    assert {"delta"} == set(from_server(*delta))
    assert ["heartbeat"] == from_server(frames.heartbeat(viewport, 123))
    assert (len(cells) > len(FEW)) == (len(delta) > 1)
    assert all(len(text) <= MAX_MESSAGE_BYTES for text in (*snapshot, *delta))
    assert cells == {cell: count for text in delta for cell, count in decode(text).cells.items()}


@pytest.mark.parametrize("precision", [4, 5, 6, 7, 8])
def test_every_precision_is_described(precision: int):
    tile = "s14mk2"[: precision - 2]
    frames = Frames("lagos", precision, Stamp("9c1f02ab", 130, 1, 0), Tiles({tile + "zz": 1}), 1_769_860_803_000)
    viewport = Viewport("lagos", precision, TileRange(tile, tile))

    assert ["delta", "delta"] == from_server(
        *frames.delta(viewport, 0, Encoding.JSON), *frames.delta(viewport, 0, Encoding.DEFLATE)
    )


def test_what_our_client_sends_is_described():
    box = (6.4, 3.3, 6.6, 3.5)
    sent = [
        Subscribe("lagos", 7, id="1"),
        Subscribe("s14", 8, box, Since("9c1f02ab", 0), "deflate", "2"),
        Unsubscribe("lagos/7/s14hn-s14wm", "3"),
        Hello("4"),
    ]

    assert ["subscribe", "subscribe", "unsubscribe", "hello"] == from_client(*map(encode, sent))


def test_what_a_conversation_of_our_client_says_is_described():
    server = FakeHeatServer()
    connection = server.connect()
    said = Conversation(Patience())
    feed = Feed("lagos", 7, None, "deflate", lambda: None)
    said.watch(feed, 0)
    said.greet(lambda _: None, 0)
    said.open(0)
    kinds_said, kinds_heard = [], []
    for now in (0, feed.heartbeats_missed * 15):
        said.check(now)
        while said.outgoing:
            text = said.outgoing.popleft()
            answers = server.answer(connection, text)
            kinds_said += from_client(text)
            kinds_heard += from_server(*answers)
            for answer in answers:
                said.receive(answer, now, 0)
    said.leave(feed, 60)
    kinds_said += from_client(*said.outgoing)

    assert ["subscribe", "hello", "subscribe", "unsubscribe"] == kinds_said
    assert ["subscribeAck", "snapshot", "helloAck", "subscribeAck", "delta"] == kinds_heard


def test_what_the_tests_own_server_sends_is_described():
    server = FakeHeatServer()
    server.parts = 2
    server.change("lagos", {"s14ks00": 3})
    connection = server.connect()

    def answers(**message: Any) -> list[str]:
        return from_server(*server.answer(connection, json.dumps(message)))

    assert ["subscribeAck", "snapshot", "snapshot"] == answers(action="subscribe", city="lagos", precision=7, id="x")
    assert ["subscribeAck", "delta", "delta"] == answers(
        action="subscribe", city="lagos", precision=7, since={"epoch": "e1", "rev": 1}, encoding="deflate"
    )
    [(_, heartbeat)] = server.tick("lagos", [connection], heartbeats=True)
    assert ["heartbeat"] == from_server(*heartbeat)
    [name] = connection.subscriptions
    assert ["unsubscribeAck"] == answers(action="unsubscribe", subscription=name)
    assert ["error"] == answers(action="unsubscribe", subscription=name, id="x")
    assert ["helloAck"] == answers(action="hello")
    assert ["pingAck"] == answers(action="ping", ping={"driver_id": "d", "lat": 0, "lon": 0})
    assert ["error"] == answers(action="dance")


GOOD_PING = {"driver_id": "driver-1", "lat": 6.5, "lon": 3.4}
WRONG: list[tuple[str, Json]] = [
    ("subscribe", {"precision": 3}),
    ("subscribe", {"precision": 9}),
    ("subscribe", {"precision": "7"}),
    ("subscribe", {"city": "Lagos"}),
    ("subscribe", {"city": ""}),
    ("subscribe", {"bbox": [6.4, 3.3, 6.6]}),
    ("subscribe", {"bbox": [91, 3.3, 92, 3.5]}),
    ("subscribe", {"bbox": "6.4,3.3,6.6,3.5"}),
    ("subscribe", {"since": 130}),
    ("subscribe", {"since": {"epoch": "9c1f02ab"}}),
    ("subscribe", {"since": {"epoch": "9c1f02ab", "rev": -1}}),
    ("subscribe", {"encoding": "gzip"}),
    ("subscribe", {"id": 7}),
    ("subscribe", {"id": "x" * 65}),
    ("unsubscribe", {"subscription": "lagos"}),
    ("unsubscribe", {"subscription": "lagos/7/s14ha-s14wm"}),
    ("ping", {"ping": GOOD_PING | {"lat": 91}}),
    ("ping", {"ping": GOOD_PING | {"driver_id": "a{b"}}),
    ("ping", {"ping": {"lat": 6.5, "lon": 3.4}}),
    ("pings", {"pings": []}),
    ("pings", {"pings": [GOOD_PING] * 501}),
    ("subscribeAck", {"heartbeat_seconds": 0}),
    ("subscribeAck", {"min_cell_drivers": 0}),
    ("subscribeAck", {"type": "error"}),
    ("snapshot", {"prev": 100}),
    ("snapshot", {"packed": "AwA="}),
    ("snapshot", {"part": 1}),
    ("snapshot", {"part": 0, "parts": 2}),
    ("snapshot", {"part": 1, "parts": 1}),
    ("delta", {"prev": -1}),
    ("delta", {"rev": 1.5}),
    ("delta", {"as_of": "2026-01-31T12:00:03+01:00"}),
    ("delta", {"drivers": -1}),
    ("delta", {"tiles": {"s14ma": {"2x": 1}}}),
    ("delta", {"tiles": {"s14mk": {"2": 1}}}),
    ("delta", {"tiles": {"s14mk": {"2x": -1}}}),
    ("delta", {"tiles": {"s14mk": {}}}),
    ("heartbeat", {"tiles": {}}),
    ("error", {"code": "out_of_luck"}),
    ("error", {"action": "dance"}),
]


@pytest.mark.parametrize(("name", "fields"), WRONG, ids=[f"{name}: {json.dumps(f)[:60]}" for name, f in WRONG])
def test_a_wrong_message_is_refused(name: str, fields: Json):
    example = next(payload for each, payload in EXAMPLES if each == name)

    assert [name] == kinds(example)
    assert [] == kinds(example | fields)


def test_packed_tiles_that_are_no_base64_are_refused():
    example = next(payload for name, payload in EXAMPLES if name == "snapshot" and "packed" in payload)

    assert [] == kinds(example | {"packed": "K?=="})


def test_a_ping_as_the_schema_has_it_is_one_that_the_application_takes():
    for name, example in EXAMPLES:
        if name in {"ping", "pings"}:
            body = example.get("ping") or {"pings": example["pings"]}
            parsed = parse(json.dumps(body).encode(), 1_769_860_800_000, FakeHeatServer().places)
            assert [] == parsed.rejected


def test_the_actions_and_their_fields_are_those_of_the_application_and_of_the_page():
    described = {name: MESSAGES[name]["payload"]["properties"].keys() - {"action", "id"} for name in FROM_CLIENTS}
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\| `ack`", PROTOCOL, re.MULTILINE)

    assert {action: set(fields) for action, fields in actions.FIELDS.items()} == described
    assert {action: set(re.findall(r"`(\w+)`", fields)) for action, fields in rows} == described


def test_the_limits_are_those_of_the_application():
    schemas = DOCUMENT["components"]["schemas"]

    assert actions.MAX_ID_CHARACTERS == schemas["id"]["maxLength"]
    assert MAX_PINGS == MESSAGES["pings"]["payload"]["properties"]["pings"]["maxItems"]
    assert list(Encoding) == MESSAGES["subscribe"]["payload"]["properties"]["encoding"]["enum"]
    assert [*actions.FIELDS, "$default"] == MESSAGES["error"]["payload"]["properties"]["action"]["enum"]


# Of a stream's record, of a broadcaster and of a setting no client ever hears, of a handshake it hears the status.
NOT_FOR_CLIENTS = {"poison_record", "stale_lease", "misconfigured", "too_many_connections"}


def codes_in(path: Path) -> set[str]:
    """Texts that a module gives to something named `code`."""
    given: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            given += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "code" for t in node.targets):
            given.append(node.value)
    texts = {inner.value for value in given for inner in ast.walk(value) if isinstance(inner, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z_0-9]+", text)}


def test_the_error_codes_are_the_same_in_the_code_on_the_page_and_here():
    raised = {code for path in (ROOT / "functions").rglob("*.py") for code in codes_in(path)} - NOT_FOR_CLIENTS
    rows = re.findall(r"^\| ((?:`[a-z_0-9]+`(?:, )?)+) \|", PROTOCOL.split("## Errors")[1], re.MULTILINE)
    told = {code for row in rows for code in re.findall(r"`(\w+)`", row)} - {"code"}
    described = DOCUMENT["components"]["schemas"]["code"]["enum"]

    assert sorted(raised) == described
    assert sorted(told) == described


def test_the_ways_in_which_a_connection_ends_are_the_same_on_the_page_and_here():
    page = re.findall(r"^\| (\d{4}) \| (.*?) \|", PROTOCOL, re.MULTILINE)

    assert page == re.findall(r"^\| (\d{4}) \| (.*?) \|", DOCUMENT["info"]["description"], re.MULTILINE)
    assert ["1000", "1001", "1003", "1006", "1007", "1009"] == [code for code, _ in page]
