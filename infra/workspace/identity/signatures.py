"""Signed tokens (JWS in compact form, RFC 7515) and the public keys that prove them (JWK, RFC 7517)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MAX_TOKEN_BYTES = 16_384
_LEAST_RSA_BITS = 2048
_P256_BYTES = 32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class BadToken(ValueError):
    """Not a signed token that can be read, or not signed by any of the keys; the message holds nothing of either."""


class BadKeys(ValueError):
    """Not a set of public keys; the message says why."""


@dataclass(frozen=True)
class SignedToken:
    """A token as it was sent: nothing in it is believed until `claims_proved_by` returns."""

    algorithm: str
    key_id: str | None
    signed: bytes
    signature: bytes
    _claims: Mapping[str, Any]

    @property
    def alleged_issuer(self) -> str | None:
        """Who the token says has issued it: good for choosing keys, and for nothing else."""
        issuer = self._claims.get("iss")
        return issuer if isinstance(issuer, str) else None

    def claims_proved_by(self, keys: Iterable[Key]) -> Mapping[str, Any]:
        """The claims, where one of the keys has signed them; raises BadToken."""
        fitting = [key for key in keys if key.algorithm == self.algorithm and self._may_name(key)]
        if not any(key.signed(self.signed, self.signature) for key in fitting):
            raise BadToken("the token is not signed by a key of its issuer")
        return self._claims

    def _may_name(self, key: Key) -> bool:
        return self.key_id is None or key.key_id in (None, self.key_id)


@dataclass(frozen=True)
class Key:
    """One public key of an issuer, for the one algorithm that goes with its kind."""

    algorithm: str
    key_id: str | None
    _verify: Callable[[bytes, bytes], None]

    def signed(self, content: bytes, signature: bytes) -> bool:
        try:
            self._verify(signature, content)
        except InvalidSignature:
            return False
        return True


def read_token(text: str) -> SignedToken:
    """Takes a compact JWS apart. Only RS256 and ES256 are signatures here: no `none`, nothing with a shared secret."""
    if len(text) > MAX_TOKEN_BYTES:
        raise BadToken(f"the token is longer than {MAX_TOKEN_BYTES} bytes")
    parts = text.split(".")
    if len(parts) != 3 or not text.isascii():
        raise BadToken("the token is not a JWT in compact form")
    header, claims = _json_object(parts[0]), _json_object(parts[1])
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in _READERS:
        raise BadToken(f"the token's algorithm is not one of {', '.join(_READERS)}")
    if "crit" in header or not isinstance(key_id, str | None):
        raise BadToken("the token's header asks for what is not supported")
    return SignedToken(algorithm, key_id, f"{parts[0]}.{parts[1]}".encode(), _token_part(parts[2]), claims)


def read_keys(text: str | bytes) -> tuple[Key, ...]:
    """The signing keys of a JWKS document, other kinds left out; raises BadKeys where it has none."""
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


def _key(item: Mapping[str, Any]) -> Key | None:
    key_id = item.get("kid")
    for algorithm, read in _READERS.items():
        if item.get("alg", algorithm) == algorithm and item.get("use", "sig") == "sig":
            try:
                verify = read(item)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise BadKeys(f"the key set has a key that cannot be read: {error}") from error
            if verify is not None:
                return Key(algorithm, key_id if isinstance(key_id, str) else None, verify)
    return None


def _rsa(item: Mapping[str, Any]) -> Callable[[bytes, bytes], None] | None:
    if item.get("kty") != "RSA":
        return None
    key = RSAPublicNumbers(e=_number(item["e"]), n=_number(item["n"])).public_key()
    if key.key_size < _LEAST_RSA_BITS:
        return None
    return lambda signature, content: key.verify(signature, content, PKCS1v15(), SHA256())


def _p256(item: Mapping[str, Any]) -> Callable[[bytes, bytes], None] | None:
    if item.get("kty") != "EC" or item.get("crv") != "P-256":
        return None
    numbers = EllipticCurvePublicNumbers(x=_number(item["x"]), y=_number(item["y"]), curve=SECP256R1())
    key = numbers.public_key()

    def verify(signature: bytes, content: bytes) -> None:
        # JWS joins both numbers in fixed length (RFC 7518, 3.4); the library wants them in DER.
        if len(signature) != 2 * _P256_BYTES:
            raise InvalidSignature
        r, s = signature[:_P256_BYTES], signature[_P256_BYTES:]
        key.verify(encode_dss_signature(int.from_bytes(r), int.from_bytes(s)), content, ECDSA(SHA256()))

    return verify


_READERS: dict[str, Callable[[Mapping[str, Any]], Callable[[bytes, bytes], None] | None]] = {
    "RS256": _rsa,
    "ES256": _p256,
}


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text))


def _json_object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_token_part(part))
    except (ValueError, RecursionError) as error:
        raise BadToken("the token does not hold JSON") from error
    if not isinstance(found, dict):
        raise BadToken("the token does not hold JSON objects")
    return found


def _token_part(part: str) -> bytes:
    try:
        return _decoded(part)
    except ValueError as error:
        raise BadToken("the token is not in base64url") from error


def _decoded(text: str) -> bytes:
    """base64url without padding (RFC 7515, 2)."""
    try:
        if not _BASE64URL.fullmatch(text):
            raise ValueError("not base64url")
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
