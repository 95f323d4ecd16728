"""Signed tokens (JWS in compact form, RFC 7515) and the public keys that prove them (JWK, RFC 7517)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

_MAX_TOKEN_BYTES = 16_384
_ALGORITHMS = ("RS256", "ES256")
_LEAST_RSA_BITS = 2048
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_COMPACT_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

Key = jwt.PyJWK
"""One public key of an issuer, for the one algorithm that goes with its kind."""


class BadToken(ValueError):
    """Not a signed token that can be read, or not signed by any of the keys; the message holds nothing of either."""


class BadKeys(ValueError):
    """Not a set of public keys; the message says why, and holds nothing of them."""


@dataclass(frozen=True)
class SignedToken:
    """A token as it was sent: nothing in it is believed until `claims_proved_by` returns."""

    algorithm: str
    key_id: str | None
    alleged_issuer: str | None
    """Who the token says has issued it: good for choosing keys, and for nothing else."""
    _text: str

    def claims_proved_by(self, keys: Iterable[Key]) -> Mapping[str, Any]:
        """The claims, where one of the keys has signed them; raises BadToken. What they say is not checked here."""
        for key in keys:
            if key.algorithm_name == self.algorithm and self._may_name(key):
                try:
                    return _claims_signed_by(key, self._text)
                except jwt.PyJWTError:
                    continue
        raise BadToken("the token is not signed by a key of its issuer")

    def _may_name(self, key: Key) -> bool:
        return self.key_id is None or key.key_id in (None, self.key_id)


def read_token(text: str) -> SignedToken:
    """Takes a compact JWS apart. Only RS256 and ES256 are signatures here: no `none`, nothing with a shared secret."""
    if len(text) > _MAX_TOKEN_BYTES:
        raise BadToken(f"the token is longer than {_MAX_TOKEN_BYTES} bytes")
    # PyJWT also takes padding, which has no place in a JWS.
    if not _COMPACT_FORM.fullmatch(text):
        raise BadToken("the token is not a JWT in compact form")
    try:
        alleged = jwt.decode_complete(text, options={"verify_signature": False})
    except jwt.DecodeError as error:
        raise BadToken("the token does not hold JSON objects in base64url") from error
    except jwt.InvalidTokenError as error:
        raise BadToken("the token's header asks for what is not supported") from error
    header, issuer = alleged["header"], alleged["payload"].get("iss")
    if header.get("alg") not in _ALGORITHMS:
        raise BadToken(f"the token's algorithm is not one of {', '.join(_ALGORITHMS)}")
    if "crit" in header:
        raise BadToken("the token's header asks for what is not supported")
    return SignedToken(header["alg"], header.get("kid"), issuer if isinstance(issuer, str) else None, text)


def read_keys(text: str | bytes) -> tuple[Key, ...]:
    """The signing keys of a JWKS document, other kinds left out; raises BadKeys where it has none."""
    # Not by PyJWKSet, which passes over keys that cannot be read without a word.
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadKeys("the key set is not JSON") from error
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise BadKeys("the key set has no list 'keys'")
    keys = tuple(key for item in listed if isinstance(item, dict) and (key := _key(item)) is not None)
    if not keys:
        raise BadKeys("the key set has no RSA key of 2048 bits or more and no P-256 key for signatures")
    return keys


def _claims_signed_by(key: Key, text: str) -> Mapping[str, Any]:
    return jwt.decode(
        text,
        key,
        algorithms=_ALGORITHMS,
        # The policy judges the claims, at a time of the workspace's clock; PyJWT knows the machine's only.
        options={
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_iss": False,
            "verify_aud": False,
            "verify_sub": False,
            "verify_jti": False,
        },
    )


def _key(item: Mapping[str, Any]) -> Key | None:
    match item:
        case {"kty": "RSA"}:
            algorithm, numbers = "RS256", ("n", "e")
        case {"kty": "EC", "crv": "P-256"}:
            algorithm, numbers = "ES256", ("x", "y")
        case _:
            return None
    if item.get("alg", algorithm) != algorithm or item.get("use", "sig") != "sig":
        return None
    # Only what is public: of a private member PyJWT would make a private key, which proves nothing.
    public = {name: item[name] for name in ("kty", "crv", *numbers) if name in item}
    if isinstance(item.get("kid"), str):
        public["kid"] = item["kid"]
    try:
        key = Key(public, algorithm) if all(_is_number(public.get(name)) for name in numbers) else None
    except jwt.PyJWTError:
        key = None
    if key is None:
        raise BadKeys(f"the key set has a key for {algorithm} that cannot be read")
    return key if algorithm != "RS256" or key.key.key_size >= _LEAST_RSA_BITS else None


def _is_number(value: Any) -> bool:
    # PyJWT drops what is not base64url and takes the rest.
    return isinstance(value, str) and _BASE64URL.fullmatch(value) is not None
