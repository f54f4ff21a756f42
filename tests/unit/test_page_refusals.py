"""The page tells what is forbidden apart by how the reason begins, and the server's reasons begin so."""

import re
from collections.abc import Callable

import pytest

from cloudformation import ROOT
from heatmap.access import HEATMAP_READ, PINGS_WRITE, Names, Principal
from heatmap.errors import NotAllowed
from heatmap.privacy import FINEST, require_precision

OFFER = (ROOT / "web/src/offer.ts").read_text()
A_WRITER_IN_LAGOS = Principal("gateway", frozenset({PINGS_WRITE}), 0, Names.of(()), Names.of(("lagos",)))


REFUSED: dict[str, Callable[[], None]] = {
    "scope": lambda: A_WRITER_IN_LAGOS.require(HEATMAP_READ),
    "city": lambda: A_WRITER_IN_LAGOS.require_city("london"),
    "precision": lambda: require_precision(A_WRITER_IN_LAGOS, FINEST + 1),
}


def refusal(lacking: str) -> str:
    """The server's words for who lacks something that a `subscribe` asks for."""
    with pytest.raises(NotAllowed) as refused:
        REFUSED[lacking]()
    assert "forbidden" == refused.value.code
    return str(refused.value)


@pytest.mark.parametrize("lacking", ["scope", "city"])
def test_the_page_knows_a_refusal_by_the_words_with_which_it_begins(lacking: str):
    assert f"message.startsWith('{lacking}:')" in OFFER
    assert refusal(lacking).startswith(f"{lacking}:")


def test_the_page_knows_no_other_beginnings():
    assert ["scope:", "city:"] == re.findall(r"message\.startsWith\('([^']*)'\)", OFFER)
    assert refusal("precision").startswith("precision:")
