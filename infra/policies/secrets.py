"""Texts that look like credentials. What is found is never repeated, only named."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

_SHAPES = {
    "a Databricks token": r"\bdapi[0-9a-f]{32}",
    "a Databricks OAuth secret": r"\bdose[0-9a-f]{32}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{40}",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Microsoft Entra client secret": r"\b[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{34}",
    "a storage account key": r"AccountKey=[A-Za-z0-9+/]{40}",
    "a shared access signature": r"[?&]sig=[A-Za-z0-9%+/]{30}",
    "a signed token (JWT)": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.",
    "a password in an address": r"://[^/\s:@$]+:[^/\s@$]{3,}@",
}
_SHAPE = {kind: re.compile(shape) for kind, shape in _SHAPES.items()}
_ANY_SHAPE = re.compile("|".join(_SHAPES.values()))

_ALWAYS_SECRET = re.compile(
    r"passw(or)?d|passphrase|client_?secret|private_?key(?!_?id)|access_?token|(access|account|secret|api)[._-]?key(?!_?id)"
    r"|(^|[._-])token$|sas_?token",
    re.IGNORECASE,
)
_OFTEN_SECRET = re.compile(r"secret|token|credential|auth(?!or)", re.IGNORECASE)
_ONLY_NAMES_ONE = re.compile(
    r"[._-](scope|name|id|ids|path|url|uri|type|provider|kind|method|owner|count|seconds|minutes|days|comment|version)$",
    re.IGNORECASE,
)
_NOT_LITERAL = re.compile(r"^\s*(\$\{.*\}|\{\{.*\}\}|\((sensitive|known after apply)\))\s*$", re.DOTALL)
"""A reference of Terraform's or of Databricks', or what a plan says in place of a value."""

_LONG_ENOUGH = 16
_RANDOM_ENOUGH = 3.3
"""Bits a character; words of a language have about 3 at such lengths, hexadecimal keys 3.6 and more."""


def literal_secrets(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path of each value that looks like a credential, and what it looks like."""
    for name, where, value in _named_values("", path, content):
        if kind := secret_kind(name, value):
            yield where, kind


@lru_cache(maxsize=10_000)  # the jobs of a stack repeat most of their values
def secret_kind(name: str, value: str) -> str | None:
    """What a value looks like: by its shape, or by its name; None for what is no credential, or refers to one."""
    if _ANY_SHAPE.search(value):
        return next(kind for kind, shape in _SHAPE.items() if shape.search(value))
    if not value.strip() or _NOT_LITERAL.match(value) or _ONLY_NAMES_ONE.search(name):
        return None
    if _ALWAYS_SECRET.search(name):
        return f"a literal value of '{name}'"
    if _OFTEN_SECRET.search(name) and len(value) >= _LONG_ENOUGH and _entropy(value) >= _RANDOM_ENOUGH:
        return f"a random value of '{name}'"
    return None


def _named_values(name: str, path: str, content: Any) -> Iterator[tuple[str, str, str]]:
    """Each text with its name and its path. A name may also stand beside it: {name: password, value: …}, --token …"""
    if isinstance(content, Mapping):
        beside = next((text for key in ("name", "key") if (text := _text(content.get(key)))), "")
        for key, inner in content.items():
            if key in ("//", "__startline__", "__endline__"):
                continue
            own = beside if beside and key in ("value", "default") else str(key)
            yield from _named_values(own, f"{path}.{key}" if path else str(key), inner)
    elif isinstance(content, list):
        before = ""
        for index, item in enumerate(content):
            flagged = before.lstrip("-") if before.startswith("--") else name
            yield from _named_values(flagged, path if len(content) == 1 else f"{path}[{index}]", item)
            before = item if isinstance(item, str) else ""
    elif isinstance(content, str):
        yield name, path, content


def _text(value: Any) -> str:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else ""


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
