"""Signed tokens in their compact form (RFC 7515), and signatures by a shared secret.

By hand, because PyJWT imports `cryptography`, with which it takes as long as all the rest of the authorizer: it is left
for tokens that are signed with a key pair (`jwks.py`).
"""

import base64
import hmac
import re
from typing import Any, NamedTuple, Protocol

import msgspec

from heatmap.errors import Misconfigured, NotAllowed

# API Gateway takes 10,240 bytes of headers, and 8 KB from an authorizer, in which the claims are passed on.
MAX_TOKEN_CHARACTERS = 8192
# RFC 7518, section 3.2: a key for HS256 is at least as long as its hash.
MIN_SECRET_BYTES = 32

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z")


class Signed(NamedTuple):
    """A token taken apart; nothing of it is to be believed before its signature has been checked.

    Attributes:
        algorithm: what the header says.
        key_id: `kid` of the header, "" for none.
        covered: what the signature covers.
        claims: the payload, JSON if it is well-formed.
    """

    algorithm: str
    key_id: str
    covered: bytes
    signature: bytes
    claims: bytes


class Keys(Protocol):
    """What signatures are checked with. Where a key comes from decides which algorithm it is for, never the token."""

    def check(self, signed: Signed) -> None:
        """Raise NotAllowed unless the signature is good, Unavailable if there is no telling now."""


class SharedSecret:
    """HS256, and nothing else.

    Raises:
        Misconfigured: the secret is shorter than 32 bytes.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()
        if len(self._key) < MIN_SECRET_BYTES:
            raise Misconfigured("secret", f"at least {MIN_SECRET_BYTES} bytes", len(self._key))

    def check(self, signed: Signed) -> None:
        if signed.algorithm != "HS256":
            raise NotAllowed("token: expected the algorithm HS256")
        if not hmac.compare_digest(hmac.digest(self._key, signed.covered, "sha256"), signed.signature):
            raise NotAllowed("token: expected a good signature")


def taken_apart(token: str) -> Signed:
    """The parts of a token.

    Raises:
        NotAllowed: it is too long, in which case it is not read at all, or malformed; nothing of it is in the message.
    """
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise NotAllowed(f"token: expected at most {MAX_TOKEN_CHARACTERS} characters")
    if not (match := _COMPACT.match(token)):
        raise NotAllowed("token: expected three parts in base64url")
    first, payload, last = match.groups()
    header = _header(_decoded(first))
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or not isinstance(key_id, str):
        raise NotAllowed("token: expected alg and kid to be text")
    if "crit" in header:
        # RFC 7515, section 4.1.11: whoever does not understand an extension that is critical must refuse the token.
        raise NotAllowed("token: expected no critical extensions")
    return Signed(algorithm, key_id, token[: match.end(2)].encode(), _decoded(last), _decoded(payload))


def _header(data: bytes) -> dict[str, Any]:
    header = json_of(data, "its header")
    if not isinstance(header, dict):
        raise NotAllowed("token: expected its header to be an object")
    return header


def json_of(data: bytes, what: str) -> object:
    """A decoded part of a token.

    Raises:
        NotAllowed: it is not JSON.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The reason would tell of what is in it.
        raise NotAllowed(f"token: expected {what} to be JSON") from None


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise NotAllowed("token: expected base64url") from None
