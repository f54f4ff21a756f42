"""What a client may send on the socket that nobody has thought of, and how that has to be answered."""

import json
from typing import Any, NamedTuple

from aiohttp import WSMsgType
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from junk import TEXT, VALUES, damaged, nested, spoiled, written

# What API Gateway takes in a frame.
MAX_FRAME_BYTES = 32 * 1024

GOOD: tuple[dict[str, Any], ...] = (
    {"action": "hello", "id": "h"},
    {"action": "subscribe", "city": "lagos", "precision": 7, "bbox": [6.4, 3.3, 6.5, 3.5], "id": "s"},
    {"action": "subscribe", "city": "s14", "precision": 5, "since": {"epoch": "e", "rev": 7}, "encoding": "deflate"},
    {"action": "unsubscribe", "subscription": "lagos/7/s14hn-s14wm", "id": "u"},
    {"action": "ping", "ping": {"driver_id": "fuzz-1", "lat": -50.5, "lon": 70.5, "speed": 3}, "id": "p"},
    {"action": "pings", "pings": [{"driver_id": "fuzz-2", "lat": -50.5, "lon": 70.6, "sampled_at": 1}], "id": "ps"},
)
ENCODED = tuple(json.dumps(message).encode() for message in GOOD)


class Nonsense(NamedTuple):
    """A frame: its kind and what it holds."""

    kind: WSMsgType
    data: bytes

    @property
    def close_code(self) -> int | None:
        """What the connection is closed with because of it; None if it is answered."""
        if len(self.data) > MAX_FRAME_BYTES:
            return 1009
        if self.kind is WSMsgType.BINARY:
            return 1003
        try:
            self.data.decode()
        except UnicodeDecodeError:
            return 1007
        return None

    @property
    def id(self) -> str | None:
        """What the answer has to name, if anything."""
        try:
            document = json.loads(self.data, parse_constant=_none)
        except (ValueError, RecursionError):
            return None
        name = document.get("id") if isinstance(document, dict) else None
        return name if isinstance(name, str) and len(name) <= 64 else None


def _none(constant: str) -> None:
    raise ValueError(constant)


_DEEP = st.sampled_from(["%s", '{"action":%s}', '{"action":"hello","id":%s}', '{"action":"ping","ping":%s}']).flatmap(
    lambda text: st.integers(1, 16_000).map(lambda depth: (text % nested(depth)).encode())
)
_LONG = st.sampled_from([63, 64, 65, 30_000, 32_700, 33_000, 60_000]).map(
    lambda n: json.dumps({"action": "hello", "id": "x" * n}).encode()
)
_KINDS = (
    st.sampled_from(ENCODED),
    written(spoiled(*GOOD)).map(str.encode),
    written(VALUES).map(str.encode),
    TEXT.map(lambda text: text.encode(errors="replace")),
    damaged(*ENCODED),
    _DEEP,
    _LONG,
)
_TEXT_FRAMES = st.sampled_from(_KINDS).flatmap(lambda kind: kind).map(lambda data: Nonsense(WSMsgType.TEXT, data))
_BINARY_FRAMES = st.sampled_from(ENCODED).map(lambda data: Nonsense(WSMsgType.BINARY, data))
# What ends the connection is rarer than what does not.
FRAMES = st.integers(0, 19).flatmap(lambda n: _BINARY_FRAMES if n == 7 else _TEXT_FRAMES)

# What a sender may post that is no ping, or nearly one.
BODIES = st.sampled_from(
    [
        written(spoiled(*[message for message in GOOD if message["action"] == "pings"])).map(str.encode),
        written(spoiled(GOOD[-2]["ping"])).map(str.encode),
        damaged(*ENCODED[-2:]),
        st.binary(max_size=60),
        _DEEP,
    ]
).flatmap(lambda kind: kind)


def made[T](what: st.SearchStrategy[T], count: int, by_seed: int) -> list[T]:
    """So many of them, the same ones for the same seed."""
    found: list[T] = []

    @seed(by_seed)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(what)
    def collect(one: T) -> None:
        found.append(one)

    collect()
    return found
