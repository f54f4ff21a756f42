"""Tokens of every kind, as their issuer makes them, and as an impostor would."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECRET = "a secret of the tests that is longer than the sixty-four bytes HS512 wants"
DAY_S = 86_400

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a good token of this moment; a claim set to `...` is left out."""
    now = int(time.time())
    good = {"iss": "fleetglow", "aud": "fleetglow", "sub": "tester", "iat": now, "exp": now + 600}
    good |= {"scope": "pings:write heatmap:read", "drivers": ["*"]} | changed
    return {name: claim for name, claim in good.items() if claim is not ...}


def a_token(
    key: str | PrivateKey = SECRET, algorithm: str = "HS256", header: dict[str, Any] | None = None, **changed: Any
) -> str:
    """A token that an issuer with this key would make."""
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers=header)


def by_hand(header: dict[str, Any], payload: object, secret: bytes | None) -> str:
    """A token that no library would make: an HMAC whatever the header says, or no signature at all."""
    parts = [_encoded(json.dumps(part).encode()) for part in (header, payload)]
    covered = ".".join(parts)
    signature = b"" if secret is None else hmac.digest(secret, covered.encode(), "sha256")
    return f"{covered}.{_encoded(signature)}"


def misnamed(algorithm: str, kid: str) -> str:
    """A token with a good RS256 signature whose header names another algorithm."""
    covered = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": algorithm, "kid": kid}, claims()))
    signer = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{covered}.{_encoded(signer.sign(covered.encode(), key_pair(kid)))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_pair(name: str = "one", algorithm: str = "RS256") -> PrivateKey:
    """The private key of that name, always the same one."""
    return _key_pair(name, algorithm)


@cache
def _key_pair(_name: str, algorithm: str) -> PrivateKey:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def published(kid: str, algorithm: str = "RS256", key: PrivateKey | None = None, **more: Any) -> dict[str, Any]:
    """A key as its owner publishes it; its name is its id."""
    key = key or key_pair(kid, algorithm)
    makers: dict[str, Callable[..., Any]] = {
        "RS256": jwt.algorithms.RSAAlgorithm.to_jwk,
        "ES256": jwt.algorithms.ECAlgorithm.to_jwk,
        "EdDSA": jwt.algorithms.OKPAlgorithm.to_jwk,
    }
    made: dict[str, Any] = makers[algorithm](key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return made | {"kid": kid, "use": "sig", "alg": algorithm} | more


# Every way in which a token can be none, and how to make one with the secret that good ones are signed with.
BAD_TOKENS: dict[str, Callable[[str], str]] = {
    "none": lambda _: "",
    "malformed": lambda _: "junk",
    "of two parts": lambda secret: a_token(secret).rpartition(".")[0],
    "not base64url": lambda secret: a_token(secret) + "!",
    "cut short": lambda secret: a_token(secret)[:-4],
    "its claims changed": lambda secret: _with_claims_of(a_token(secret), a_token(secret, sub="somebody-else")),
    "too long": lambda secret: a_token(secret, padding="x" * 6_000),
    "expired": lambda secret: a_token(secret, exp=int(time.time()) - 60),
    "endless": lambda secret: a_token(secret, exp=...),
    "its end in milliseconds": lambda secret: a_token(secret, exp=int(time.time() * 1000) + DAY_S),
    "not yet valid": lambda secret: a_token(secret, nbf=int(time.time()) + 60),
    "issued in the future": lambda secret: a_token(secret, iat=int(time.time()) + 60),
    "nobody's": lambda secret: a_token(secret, sub=...),
    "wrong issuer": lambda secret: a_token(secret, iss="another"),
    "no issuer": lambda secret: a_token(secret, iss=...),
    "wrong audience": lambda secret: a_token(secret, aud="another"),
    "wrong audiences": lambda secret: a_token(secret, aud=["another", "one more"]),
    "no audience": lambda secret: a_token(secret, aud=...),
    "scopes as a list": lambda secret: a_token(secret, scope=["heatmap:read"]),
    "drivers as a number": lambda secret: a_token(secret, drivers=7),
    "a driver with a space": lambda secret: a_token(secret, drivers=["van-1 *"]),
    "cities as text": lambda secret: a_token(secret, cities="lagos"),
    "wrong key": lambda _: a_token("another secret, just as long as the first one"),
    "wrong algorithm": lambda secret: a_token(secret, algorithm="HS512"),
    "alg none": lambda _: by_hand({"alg": "none"}, claims(), None),
    "alg none in capitals": lambda _: by_hand({"alg": "NONE"}, claims(), None),
    "alg none, signed": lambda secret: by_hand({"alg": "none"}, claims(), secret.encode()),
    "no alg": lambda secret: by_hand({"typ": "JWT"}, claims(), secret.encode()),
    "alg a list": lambda secret: by_hand({"alg": ["HS256"]}, claims(), secret.encode()),
    "RS256 by name, signed with the secret": lambda secret: by_hand({"alg": "RS256"}, claims(), secret.encode()),
    "RS256": lambda _: a_token(key_pair(), "RS256", {"kid": "one"}),
    "a critical extension": lambda secret: a_token(secret, header={"crit": ["exp"]}),
    "its claims a list": lambda secret: by_hand({"alg": "HS256"}, [claims()], secret.encode()),
    "its claims no JSON": lambda secret: _resigned(a_token(secret), b"{", secret),
}


def _with_claims_of(token: str, other: str) -> str:
    (header, _, signature), (_, payload, _) = token.split("."), other.split(".")
    return f"{header}.{payload}.{signature}"


def _resigned(token: str, payload: bytes, secret: str) -> str:
    covered = f"{token.partition('.')[0]}.{_encoded(payload)}"
    return f"{covered}.{_encoded(hmac.digest(secret.encode(), covered.encode(), 'sha256'))}"
