"""The keys of an identity provider: a JSON Web Key Set (RFC 7517) that it publishes, and changes now and then."""

from collections.abc import Callable
from functools import cache, partial
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt
import msgspec

from adapters.jws import Signed
from adapters.observability import logger
from adapters.remembered import Ages, Remembered
from adapters.uptime import uptime_s
from heatmap.errors import NotAllowed, Unavailable

FRESH_S = 600
# An unknown key id may be a new key, or anything: no sender of junk makes us ask more often.
ASK_AGAIN_S = 60
# Without any keys nobody gets in.
ASK_AGAIN_WITHOUT_KEYS_S = 5
# A provider that is down does not lock everybody out, but a key that was withdrawn must not live for ever.
STALE_S = 24 * 3600
# API Gateway waits for no authorizer longer than its 29 seconds; a viewer's patience is shorter.
FETCH_S = 3.0
MAX_BYTES = 256 * 1024
MIN_RSA_BITS = 2048

# What makes a public key, by its type; whatever else stands in a set is left out, above all what makes a private one.
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}


class _Key(NamedTuple):
    """A public key, and the one algorithm that it is for."""

    algorithm: str
    key: jwt.PyJWK


class PublishedKeys:
    """Checks signatures with the key that a token names, in its algorithm: RS256, ES256 or EdDSA.

    Keys are kept for ten minutes. When they cannot be fetched again, those that are known serve on for a day.

    Args:
        fetch: gets the key set as it is published; raises Unavailable.
        clock: seconds, ever ascending, also while the function is frozen.
    """

    def __init__(self, fetch: Callable[[], bytes], clock: Callable[[], float] = uptime_s) -> None:
        ages = Ages(FRESH_S, STALE_S, ASK_AGAIN_S, ASK_AGAIN_WITHOUT_KEYS_S)
        self._keys = Remembered("keys", lambda: _keys(fetch()), ages, clock)

    def check(self, signed: Signed) -> None:
        if signed.algorithm not in _ALGORITHMS.values():
            raise NotAllowed(f"token: expected one of the algorithms {', '.join(_ALGORITHMS.values())}")
        if not signed.key_id:
            raise NotAllowed("token: expected a kid in its header")
        algorithm, key = self._key(signed.key_id)
        # A key is for one algorithm, and a token does not choose.
        if signed.algorithm != algorithm:
            raise NotAllowed(f"token: expected the algorithm of its key, {algorithm}")
        if not key.Algorithm.verify(signed.covered, key.key, signed.signature):
            raise NotAllowed("token: expected a good signature")

    def _key(self, key_id: str) -> _Key:
        keys = self._keys.value(lambda known: key_id in known)
        if key_id in keys:
            return keys[key_id]
        if self._keys.trouble is not None:
            # It may well be a good key, of which we have not heard.
            raise self._keys.trouble
        raise NotAllowed("token: expected a kid that is in the key set")


@cache
def published_at(url: str) -> PublishedKeys:
    """The keys at a URL, fetched when they are needed and remembered from one invocation to the next."""
    return PublishedKeys(partial(fetched, url))


def _keys(data: bytes) -> dict[str, _Key]:
    """The keys of a set that are for signatures in an algorithm of ours, by id; the first of each id.

    Raises:
        Unavailable: there is none.
    """
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unavailable(f"the key set is not JSON: {error}") from error
    listed = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, _Key] = {}
    for each in listed if isinstance(listed, list) else []:
        key_id = each.get("kid") if isinstance(each, dict) else None
        if isinstance(key_id, str) and key_id not in keys and (key := _usable(each)):
            keys[key_id] = key
    if not keys:
        raise Unavailable("the key set holds no key that can be used")
    return keys


def _usable(listed: dict[str, Any]) -> _Key | None:
    kind = listed.get("kty")
    members = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if members is None or not all(isinstance(listed.get(name), str) for name in members):
        return None
    algorithm = _ALGORITHMS.get((str(kind), listed.get("crv") if "crv" in members else None))
    if algorithm is None or listed.get("use", "sig") != "sig" or listed.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK({"kty": kind, **{name: listed[name] for name in members}}, algorithm)
    except jwt.PyJWTError as error:
        logger.warning("a key that cannot be used", reason=str(error))
        return None
    if algorithm == "RS256" and key.key.key_size < MIN_RSA_BITS:
        logger.warning("a key that cannot be used", reason=f"expected at least {MIN_RSA_BITS} bits")
        return None
    return _Key(algorithm, key)


class _StayingHere(HTTPRedirectHandler):
    """Follows no redirects: they might lead to where keys can be changed on their way."""

    def redirect_request(self, *_: object) -> None:
        return None


def fetched(url: str) -> bytes:
    """What stands at a URL, at most 256 KiB, within seconds.

    Raises:
        Unavailable: it did not come.
    """
    deadline = uptime_s() + FETCH_S
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "fleetglow"})  # noqa: S310 - settings
    data = bytearray()
    try:
        with build_opener(_StayingHere()).open(request, timeout=FETCH_S) as answer:
            while chunk := answer.read1(MAX_BYTES):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise Unavailable(f"{url}: expected at most {MAX_BYTES} bytes")
                # The time-out is that of a single read.
                if uptime_s() > deadline:
                    raise Unavailable(f"{url}: expected an answer within {FETCH_S:g} s")
    except HTTPError as error:
        error.close()
        raise Unavailable(f"{url}: {error}") from error
    except (OSError, HTTPException) as error:
        raise Unavailable(f"{url}: {error}") from error
    return bytes(data)
