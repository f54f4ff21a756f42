"""What nobody of ours would send: any JSON, a good document with something wrong in it, a text that is damaged.

Strategies for Hypothesis, with which every decoder is shown to refuse in its own words whatever it does not take.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

# With lone surrogates, which JSON can write and UTF-8 cannot.
TEXT = st.text(st.characters(), max_size=20)

NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([-1, 0, 2**31, 2**53, 2**63, 2**64, 10**400, -(10**400), 10**4000, 1e308, -0.0])
)

SCALARS = st.none() | st.booleans() | NUMBERS | TEXT | st.sampled_from(["", " ", "x" * 5_000, "\0", "é", "\ud800"])

VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=8
)
"""Whatever JSON can write, and what Python writes as JSON though it is none: NaN, Infinity."""

# Readers of JSON give up at some depth, each at another one.
DEPTHS = (100, 900, 1_100, 5_000, 11_000, 100_000)


def nested(depth: int) -> str:
    """A list in a list in a list, as JSON."""
    return "[" * depth + "]" * depth


def outcome[T, E: Exception](decode: Callable[[], T], refusal: type[E]) -> T | E:
    """What a decoder makes of something, or the error that it is documented to refuse it with; any other is raised."""
    try:
        return decode()
    except refusal as error:
        return error


def spoiled(*good: object) -> st.SearchStrategy[Any]:
    """One of these documents, some places of which hold something else, or nothing."""
    return st.sampled_from(good).flatmap(_spoiled)


def damaged(*good: bytes) -> st.SearchStrategy[bytes]:
    """One of these texts, in which a stretch of bytes is another one."""
    return st.sampled_from(good).flatmap(_damaged)


def written(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Documents as JSON."""
    return documents.map(json.dumps)


@st.composite
def _spoiled(draw: st.DrawFn, good: object) -> object:
    document: Any = {"": copy.deepcopy(good)}
    for _ in range(draw(st.integers(1, 2))):
        holder, key = draw(st.sampled_from(list(_places(document))))
        if isinstance(holder, dict) and draw(st.integers(0, 3)) == 0:
            # Beside it, so that there is one too many; or instead of it, so that one is missing.
            holder[draw(TEXT)] = holder[key] if draw(st.booleans()) or key == "" else holder.pop(key)
        else:
            holder[key] = draw(VALUES)
    return document[""]


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its name or number there."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in inside:
        yield node, key
        yield from _places(child)


@st.composite
def _damaged(draw: st.DrawFn, good: bytes) -> bytes:
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, min(len(good), start + 12)))
    return good[:start] + draw(st.binary(max_size=12)) + good[end:]
