import inspect
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.jwks import ASK_AGAIN_S, ASK_AGAIN_WITHOUT_KEYS_S, FRESH_S, STALE_S, PublishedKeys
from adapters.jws import taken_apart
from adapters.uptime import uptime_s
from fakes.key_server import FakeKeyServer
from heatmap.errors import NotAllowed, Unavailable
from junk import VALUES, spoiled, written
from minting import SECRET, a_token, by_hand, claims, key_pair, misnamed, public_pem, published

ALGORITHMS = ("RS256", "ES256", "EdDSA")


@pytest.fixture
def server() -> FakeKeyServer:
    return FakeKeyServer(*[published(name, name) for name in ALGORITHMS])


@pytest.fixture
def keys(server: FakeKeyServer) -> PublishedKeys:
    return server.client()


def signed_by(name: str, algorithm: str = "RS256", kid: str | None = None) -> str:
    return a_token(key_pair(name, algorithm), algorithm, {"kid": kid or name})


def is_good(keys: PublishedKeys, token: str) -> bool:
    try:
        keys.check(taken_apart(token))
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_signed_with_a_published_key_is_good(keys: PublishedKeys, algorithm: str):
    assert is_good(keys, signed_by(algorithm, algorithm))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_signed_with_another_key_of_the_same_name_is_not(keys: PublishedKeys, algorithm: str):
    assert not is_good(keys, signed_by("an impostor's", algorithm, kid=algorithm))


CONFUSED: dict[str, Callable[[], str]] = {
    "HS256 with the public key for a secret": lambda: by_hand(
        {"alg": "HS256", "kid": "RS256"}, claims(), public_pem(key_pair("RS256"))
    ),
    "RS256 by name, signed with the public key for a secret": lambda: by_hand(
        {"alg": "RS256", "kid": "RS256"}, claims(), public_pem(key_pair("RS256"))
    ),
    "HS256 with the stack's secret": lambda: a_token(SECRET, header={"kid": "RS256"}),
    "alg none": lambda: by_hand({"alg": "none", "kid": "RS256"}, claims(), None),
    "RS512": lambda: a_token(key_pair("RS256"), "RS512", {"kid": "RS256"}),
    "PS256": lambda: a_token(key_pair("RS256"), "PS256", {"kid": "RS256"}),
    "the key of another algorithm": lambda: signed_by("ES256", "ES256", kid="RS256"),
    "ES256 by name, signed with the RSA key": lambda: misnamed("ES256", "RS256"),
    "no kid": lambda: a_token(key_pair("RS256"), "RS256"),
    "a kid that is not published": lambda: signed_by("RS256", kid="another"),
}


@pytest.mark.parametrize("kind", CONFUSED)
def test_the_key_decides_which_algorithm_it_is_for(keys: PublishedKeys, kind: str):
    assert not is_good(keys, CONFUSED[kind]())


def test_a_token_of_another_algorithm_makes_us_ask_nobody(keys: PublishedKeys, server: FakeKeyServer):
    assert not is_good(keys, a_token(SECRET, header={"kid": "RS256"}))
    assert 0 == server.asked


def test_keys_are_asked_for_once_in_ten_minutes(keys: PublishedKeys, server: FakeKeyServer):
    for second in (0, 1, FRESH_S - 1):
        server.clock.now = second
        assert is_good(keys, signed_by("RS256"))
    assert 1 == server.asked

    server.clock.now = FRESH_S
    assert is_good(keys, signed_by("RS256"))
    assert 2 == server.asked


def test_keys_grow_old_while_the_function_is_frozen():
    assert uptime_s is inspect.signature(PublishedKeys).parameters["clock"].default


def test_a_new_key_is_heard_of_when_a_token_names_it(keys: PublishedKeys, server: FakeKeyServer):
    assert is_good(keys, signed_by("RS256"))
    server.keys = [published("new")]

    server.clock.now = ASK_AGAIN_S
    assert is_good(keys, signed_by("new"))
    assert not is_good(keys, signed_by("RS256"))


def test_names_of_keys_that_nobody_knows_make_us_ask_once_a_minute(keys: PublishedKeys, server: FakeKeyServer):
    for second in range(ASK_AGAIN_S + 1):
        server.clock.now = second
        assert not is_good(keys, signed_by("RS256", kid=f"nobody's {second}"))

    assert 2 == server.asked


def test_when_the_provider_is_down_the_keys_that_are_known_serve_on(keys: PublishedKeys, server: FakeKeyServer):
    assert is_good(keys, signed_by("RS256"))
    server.is_down = True

    for second in (FRESH_S + 1, STALE_S):
        server.clock.now = second
        assert is_good(keys, signed_by("RS256"))
        assert not is_good(keys, signed_by("an impostor's", kid="RS256"))

    server.clock.now = STALE_S + 1
    with pytest.raises(Unavailable):
        is_good(keys, signed_by("RS256"))


def test_when_the_provider_is_down_nothing_is_said_of_a_key_that_is_not_known(
    keys: PublishedKeys, server: FakeKeyServer
):
    assert is_good(keys, signed_by("RS256"))
    server.is_down = True
    server.clock.now = ASK_AGAIN_S

    with pytest.raises(Unavailable):
        is_good(keys, signed_by("new"))


def test_as_long_as_there_are_no_keys_they_are_asked_for_often(keys: PublishedKeys, server: FakeKeyServer):
    server.is_down = True
    for second in range(ASK_AGAIN_WITHOUT_KEYS_S):
        server.clock.now = second
        with pytest.raises(Unavailable):
            is_good(keys, signed_by("RS256"))
    assert 1 == server.asked

    server.is_down = False
    server.clock.now = ASK_AGAIN_WITHOUT_KEYS_S
    assert is_good(keys, signed_by("RS256"))


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[]}', b"\xff", b"[" * 9999])
def test_what_is_no_key_set_replaces_none(keys: PublishedKeys, server: FakeKeyServer, answer: bytes):
    assert is_good(keys, signed_by("RS256"))
    server.answer = answer
    server.clock.now = FRESH_S + 1

    assert is_good(keys, signed_by("RS256"))
    with pytest.raises(Unavailable):
        is_good(PublishedKeys(server.fetch, server.clock), signed_by("RS256"))


@pytest.mark.parametrize(
    "unusable",
    [
        published("x", use="enc"),
        published("x", alg="RS512"),
        published("x", alg="RSA-OAEP"),
        published("x", n="AQAB"),
        published("x", e="!"),
        published("x", n=7),
        published("x", kty="oct", k="c2VjcmV0"),
        published("x", kty=["RSA"]),
        published("x", "ES256", crv="P-384"),
        published("x", "ES256", x="AQAB"),
        published("x", "EdDSA", crv="Ed448"),
        published("x") | {"kid": 7},
        {"kid": "x"},
        "x",
    ],
    ids=[
        "for encryption",
        "of another algorithm",
        "of an algorithm for encryption",
        "weak",
        "broken",
        "no text",
        "symmetric",
        "kty a list",
        "another curve",
        "not on its curve",
        "another curve of EdDSA",
        "kid a number",
        "nothing but a name",
        "text",
    ],
)
def test_a_key_that_is_not_for_us_is_passed_over(unusable: dict[str, object]):
    server = FakeKeyServer(unusable, published("good"))  # type: ignore[arg-type]
    keys = server.client()

    assert is_good(keys, signed_by("good"))
    assert not is_good(keys, signed_by("x"))


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_an_rsa_key_that_can_be_broken_is_passed_over():
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what it is about
    keys = FakeKeyServer(published("weak", key=weak), published("good")).client()

    assert is_good(keys, signed_by("good"))
    assert not is_good(keys, a_token(weak, "RS256", {"kid": "weak"}))


def test_a_key_need_not_say_what_it_is_for():
    keys = FakeKeyServer({name: part for name, part in published("one").items() if name not in {"use", "alg"}}).client()

    assert is_good(keys, signed_by("one"))


def test_of_two_keys_of_one_name_the_first_counts():
    keys = FakeKeyServer(published("one"), published("two") | {"kid": "one"}).client()

    assert is_good(keys, signed_by("one"))
    assert not is_good(keys, signed_by("two", kid="one"))


def test_a_private_key_that_was_published_by_mistake_is_used_as_the_public_one():
    private = published("one") | {"d": "AQAB", "p": "AQAB", "q": "AQAB"}

    assert is_good(FakeKeyServer(private).client(), signed_by("one"))


def is_json(value: object) -> bool:
    """Whether it can be told in JSON, which has no NaN and no lone surrogates."""
    try:
        return bool(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except ValueError:
        return False


# Each of another id than the good one's, whatever else it is.
STRANGE = (
    spoiled(*[published(name, name) for name in ALGORITHMS])
    .map(lambda key: key | {"kid": "x"} if isinstance(key, dict) else key)
    .filter(is_json)
)


@settings(deadline=None)
@given(st.lists(STRANGE, max_size=3), st.sampled_from(ALGORITHMS))
def test_whatever_else_is_published_a_good_key_is_good(strange: list[object], algorithm: str):
    server = FakeKeyServer(*strange, published(algorithm, algorithm))  # type: ignore[arg-type]

    assert is_good(server.client(), signed_by(algorithm, algorithm))


@settings(deadline=None)
@given((written(VALUES | spoiled({"keys": [published("RS256")]})).map(str.encode)) | st.binary(max_size=60))
def test_whatever_comes_is_a_key_set_or_none(answer: bytes):
    server = FakeKeyServer()
    server.answer = answer
    try:
        good = is_good(server.client(), signed_by("RS256"))
    except Unavailable:
        return

    listed = [
        (key.get("kid"), key.get("n"), key.get("e")) for key in json.loads(answer)["keys"] if isinstance(key, dict)
    ]
    assert good == (tuple(published("RS256")[name] for name in ("kid", "n", "e")) in listed)
