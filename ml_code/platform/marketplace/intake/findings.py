"""What a check found, and the report that is kept of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


class Rejected(Exception):
    """A file or a request that may not come in; the check turns it into a finding."""

    def __init__(self, rule: str, told: str, file: str = "") -> None:
        super().__init__(told)
        self.finding = Finding(rule, "refused", told, file)


@dataclass(frozen=True)
class Finding:
    """One thing that was found: by which rule, in which file, and what it means."""

    rule: str
    level: Literal["refused", "note"]
    told: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.told}" if self.file else self.told


@dataclass(frozen=True)
class CheckedFile:
    """A file of the model: `kind` is what its content is, not what its name says."""

    path: str
    size: int
    sha256: str
    kind: str


@dataclass(frozen=True)
class Loaded:
    """How the model loaded: state is loaded, failed or skipped; `guards` are what held the process."""

    state: Literal["loaded", "failed", "skipped"]
    told: str
    guards: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """The whole check of one request; times are ISO 8601, UTC."""

    request: str
    digest: str
    policy: str
    model: str
    version: int
    source: str
    revision: str
    format: str
    licence: str
    stated_licence: str
    purpose: str
    owner: str
    checked_at: str
    scanner: str
    findings: tuple[Finding, ...] = ()
    files: tuple[CheckedFile, ...] = ()
    loaded: Loaded = Loaded("skipped", "not reached")
    content_sha256: str = ""
    flavors: tuple[str, ...] = ()
    signature: Mapping[str, Any] | None = field(default=None)

    @property
    def verdict(self) -> Literal["accepted", "refused"]:
        """accepted, unless anything was refused."""
        return "refused" if any(each.level == "refused" for each in self.findings) else "accepted"

    def to_document(self) -> dict[str, Any]:
        """As JSON holds it, with the verdict."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document | {"verdict": self.verdict}
