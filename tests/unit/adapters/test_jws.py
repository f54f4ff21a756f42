"""Tokens are taken apart, whatever they are made of."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.jws import MAX_TOKEN_CHARACTERS, json_of, taken_apart
from heatmap.errors import NotAllowed
from junk import DEPTHS, TEXT, VALUES, damaged, nested, spoiled, written
from minting import a_token


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


HEADER = {"alg": "HS256", "kid": "one", "typ": "JWT"}
PARTS = st.binary(max_size=30).map(part)
JSON_PARTS = written(VALUES | spoiled(HEADER)).map(lambda text: part(text.encode()))
TOKENS = (
    TEXT
    | st.lists(PARTS | JSON_PARTS, max_size=4).map(".".join)
    | damaged(a_token().encode()).map(lambda data: data.decode("latin-1"))
)


@given(TOKENS)
def test_whatever_comes_is_three_parts_with_an_algorithm_or_refused(token: str):
    with suppress(NotAllowed):
        signed = taken_apart(token)

        header = json_of(base64.urlsafe_b64decode(token.partition(".")[0] + "=="), "its header")
        assert isinstance(header, dict)
        assert (header["alg"], header.get("kid", "")) == (signed.algorithm, signed.key_id)
        assert signed.covered.decode() == token.rpartition(".")[0]


@given(st.text(), st.text(), st.binary(max_size=60), st.binary(max_size=60))
def test_what_was_put_together_is_taken_apart_again(algorithm: str, key_id: str, claims: bytes, signature: bytes):
    header = json.dumps({"alg": algorithm, "kid": key_id}).encode()
    claims, signature = claims + b"{", signature + b"s"
    token = ".".join(map(part, (header, claims, signature)))

    signed = taken_apart(token)

    assert (algorithm, key_id, claims, signature) == (
        signed.algorithm,
        signed.key_id,
        signed.claims,
        signed.signature,
    )


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_header_of_any_depth_is_refused(depth: int):
    header = part(f'{{"alg": {nested(depth)}}}'.encode())
    assert len(header) > MAX_TOKEN_CHARACTERS or depth < 6_000

    with pytest.raises(NotAllowed, match="token: expected"):
        taken_apart(f"{header}.e30.AAAA")
