"""What a federation policy may say, and whether a token is what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.workspace.gateway.errors import BadRequest
from infra.workspace.identity.issuers import is_safe, issuer_keys
from infra.workspace.identity.signatures import BadKeys, Key, read_keys

ACCOUNT_ID = "b0a7c8e2-0000-4000-8000-000000000001"
"""The account that every local workspace belongs to."""

LEEWAY_SECONDS = 60
DEFAULT_SUBJECT_CLAIM = "sub"

_TEXTS = ("issuer", "subject", "subject_claim", "jwks_uri", "jwks_json")
_FIELDS = frozenset({*_TEXTS, "audiences"})


class TokenRefused(Exception):
    """A policy does not accept a token; the message names the claim, and no value of policy or token."""


def checked(given: Any) -> dict[str, Any]:
    """The `oidc_policy` of a request, without empty fields; raises BadRequest."""
    if not isinstance(given, Mapping):
        raise BadRequest("oidc_policy is missing")
    unknown = sorted(given.keys() - _FIELDS)
    if unknown:
        raise BadRequest(f"oidc_policy has no field {', '.join(unknown)}; it has {', '.join(sorted(_FIELDS))}")
    policy = {name: value for name, value in given.items() if value not in (None, "", [])}
    wrong = [name for name in _TEXTS if not isinstance(policy.get(name, ""), str)]
    if wrong:
        raise BadRequest(f"oidc_policy.{wrong[0]} is text")
    audiences = policy.get("audiences", [])
    if not isinstance(audiences, list) or not all(isinstance(item, str) and item for item in audiences):
        raise BadRequest("oidc_policy.audiences is a list of text")
    for name in ("issuer", "subject"):
        if name not in policy:
            raise BadRequest(f"oidc_policy.{name} must be given for a service principal")
    for name in ("issuer", "jwks_uri"):
        if name in policy and not is_safe(policy[name]):
            raise BadRequest(f"oidc_policy.{name} is an address by https (http on loopback only) without query")
    if "jwks_uri" in policy and "jwks_json" in policy:
        raise BadRequest("oidc_policy has jwks_uri or jwks_json, not both")
    if "jwks_json" in policy:
        _require_keys(policy["jwks_json"])
    return policy


def keys_of(policy: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys that prove tokens for a policy: its own, else its issuer's; raises IssuerUnreachable."""
    if "jwks_json" in policy:
        return read_keys(policy["jwks_json"])
    return issuer_keys(policy["issuer"], policy.get("jwks_uri"))


def require(policy: Mapping[str, Any], claims: Mapping[str, Any], now: datetime) -> None:
    """Whether proved claims are those that a policy asks for, and hold at this time; raises TokenRefused."""
    if claims.get("iss") != policy["issuer"]:
        raise TokenRefused("the token's issuer (iss) is not the policy's")
    _require_time(claims, now.timestamp())
    audiences = claims.get("aud")
    given = {audiences} if isinstance(audiences, str) else set(_texts(audiences))
    if given.isdisjoint(policy.get("audiences") or [ACCOUNT_ID]):
        raise TokenRefused("the token's audience (aud) is not among the policy's")
    name = policy.get("subject_claim", DEFAULT_SUBJECT_CLAIM)
    if claims.get(name) != policy["subject"]:
        raise TokenRefused(f"the token's subject ({name}) is not the policy's")


def _require_time(claims: Mapping[str, Any], now: float) -> None:
    expires = _seconds(claims, "exp")
    if expires is None:
        raise TokenRefused("the token does not say when it expires (exp)")
    if now >= expires + LEEWAY_SECONDS:
        raise TokenRefused("the token has expired (exp)")
    for name, problem in (("nbf", "is not valid yet"), ("iat", "was issued in the future")):
        begins = _seconds(claims, name)
        if begins is not None and now < begins - LEEWAY_SECONDS:
            raise TokenRefused(f"the token {problem} ({name})")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    # Python reads NaN and Infinity as JSON; a time that compares with nothing would never end.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise TokenRefused(f"the token's {name} is not a time")
    return value


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _require_keys(text: str) -> None:
    try:
        read_keys(text)
    except BadKeys as error:
        raise BadRequest(f"oidc_policy.jwks_json: {error}") from error
