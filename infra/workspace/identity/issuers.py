"""Asking an issuer of tokens for its public keys (OpenID Connect Discovery), within a bound of time and size."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import httpx

from infra.workspace.identity.signatures import BadKeys, Key, read_keys

_SECONDS = 5.0
_MAX_BYTES = 262_144
_AS_IT_IS = {
    "accept": "application/json",
    "accept-encoding": "identity",
}  # what is packed has no bound before it is unpacked
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class IssuerUnreachable(Exception):
    """The issuer's keys could not be had; the message says why."""


def issuer_keys(issuer: str, jwks_uri: str | None = None) -> tuple[Key, ...]:
    """The keys behind `jwks_uri`, else behind the address that the issuer's discovery document names."""
    try:
        return read_keys(_fetch(jwks_uri or _discover(issuer)))
    except BadKeys as error:
        raise IssuerUnreachable(f"the keys of the issuer cannot be used: {error}") from error


def is_safe(address: str) -> bool:
    """Whether keys may be asked for at an address: https, or plain http on this very machine."""
    try:
        parts = urlsplit(address)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.query or parts.fragment or not port_is_valid:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _discover(issuer: str) -> str:
    try:
        document = json.loads(_fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    except (ValueError, RecursionError) as error:
        raise IssuerUnreachable("the issuer's discovery document is not JSON") from error
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise IssuerUnreachable("the issuer's discovery document is another issuer's")
    address = document.get("jwks_uri")
    if not isinstance(address, str) or not is_safe(address):
        raise IssuerUnreachable("the issuer's discovery document names no jwks_uri by https")
    return address


def _fetch(address: str) -> bytes:
    deadline = time.monotonic() + _SECONDS
    # A proxy of the environment is for addresses elsewhere.
    on_this_machine = urlsplit(address).hostname in _LOOPBACK
    try:
        with (
            httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=not on_this_machine) as client,
            client.stream("GET", address, headers=_AS_IT_IS) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise IssuerUnreachable(f"the issuer answers {response.status_code} where its keys should be")
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise IssuerUnreachable(f"the issuer answers with more than {_MAX_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise IssuerUnreachable(f"the issuer did not answer within {_SECONDS:.0f} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise IssuerUnreachable(f"the issuer's keys cannot be fetched: {type(error).__name__}") from error
    return bytes(body)
