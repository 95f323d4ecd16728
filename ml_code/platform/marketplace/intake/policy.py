"""What may come in from outside: ml_code/marketplace/intake.yaml, which its owners change and no request can."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from ml_code.platform.configuration import Section, parse, read_yaml

FILE = "ml_code/marketplace/intake.yaml"

_DEFAULT_PORTS = {"https": 443, "http": 80}

Positive = Annotated[int, Field(gt=0)]


class Limits(Section):
    """Most that one model may be; sizes in MiB."""

    total: Positive = 65_536
    files: Positive = 2_000
    text: Positive = 64
    """One file of text: JSON, a tokenizer's vocabulary, a licence."""
    pickle: Positive = 2_048
    """One pickle; its strings and arrays are read into memory for the check."""
    ratio: Positive = 100
    """How many times as large as itself an archive, or a file of it, may become."""


class Pickles(Section):
    """Whether models as pickles may come in, and which names they may use beside those that the check knows."""

    allowed: bool = True
    names: tuple[str, ...] = ()
    """module.name, as the pickle spells it."""


class Loading(Section):
    """Limits of the process that loads a model to see whether it does."""

    seconds: Positive = 300
    memory: Positive = 8_192
    """MiB of address space."""


class Policy(Section):
    """Licences, sources and limits."""

    licences: tuple[str, ...]
    """SPDX identifiers."""
    sources: tuple[str, ...]
    """Addresses (scheme, host and port) that models may be fetched from, redirects included."""
    redirects: tuple[str, ...] = ()
    """Hosts that those addresses may send on to, with all their subdomains."""
    folders: tuple[str, ...] = ()
    """Folders that files may be taken from: a volume that others fill."""
    limits: Limits = Limits()
    pickles: Pickles = Pickles()
    loading: Loading = Loading()

    def is_source(self, url: str) -> bool:
        """Whether the address is one of those that models may be fetched from."""
        return _address(url) in {_address(each) for each in self.sources}

    def may_redirect(self, url: str) -> bool:
        """Whether a source may send on to the address."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        known = any(host == each or host.endswith(f".{each}") for each in self.redirects)
        return self.is_source(url) or (parts.scheme == "https" and known)

    def knows_licence(self, licence: str) -> bool:
        """Whether the SPDX identifier is on the list; upper and lower case are the same."""
        return licence.casefold() in {each.casefold() for each in self.licences}

    @property
    def digest(self) -> str:
        """SHA-256 of the rules: a check under other rules is another check."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def read_policy(root: str | Path) -> Policy:
    """The rules of the checkout. Raises ConfigurationError."""
    return parse(Policy, read_yaml(Path(root) / FILE), FILE)


def _address(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme)
