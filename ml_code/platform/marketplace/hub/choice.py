"""Which exported versions an import takes: of each version the latest export, in the order of the origin's numbers."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_code.platform.marketplace.archive.archive import Archive

EXPORTED = "exported"


@dataclass(frozen=True)
class Chosen:
    """A row of the export table that is to be imported; `exported` is its time, ISO and UTC."""

    workspace: str
    model: str
    version: int
    manifest: str
    manifest_sha256: str
    bytes: int
    exported: str

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.workspace}'s {self.model} {self.version}"


def matching(names: Iterable[str], patterns: str) -> list[str]:
    """The names that one of the comma-separated patterns matches. Raises StepError where a plain name is not there."""
    known = list(names)
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    missing = [each for each in wanted if not set("*?[") & set(each) and each not in known]
    if missing:
        there = ", ".join(known) or "none"
        raise StepError(f"workspaces: the archive has no exports of {', '.join(missing)}; it has those of {there}")
    return [name for name in known if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)]


def choose(archive: Archive, workspaces: Sequence[str], since: date, through: date) -> list[Chosen]:
    """Of the days' rows, both included, the latest of each workspace, model and version."""
    return latest(archive.exports(workspaces, since, through)) if workspaces else []


def with_earlier(today: Sequence[Chosen], earlier: Sequence[Chosen], known: Collection[str]) -> list[Chosen]:
    """The day's versions, and of the days before those whose manifest no import has heard of yet.

    An export that ends after the day's import is not lost that way, nor is one of a day without an import.
    """
    taken = {(each.workspace, each.model, each.version) for each in today}
    late = [
        each
        for each in earlier
        if each.manifest_sha256 not in known and (each.workspace, each.model, each.version) not in taken
    ]
    return sorted([*today, *late], key=lambda each: (each.workspace, each.model, each.version))


def latest(exports: pa.Table) -> list[Chosen]:
    """Rows that were exported, one of each version, by workspace, model and number: ten comes after nine."""
    newest: dict[tuple[str, str, int], Chosen] = {}
    for row in exports.to_pylist():
        if row["status"] != EXPORTED or row["version"] is None or not row["manifest"]:
            continue
        chosen = _chosen(row)
        key = (chosen.workspace, chosen.model, chosen.version)
        if key not in newest or _age(newest[key]) <= _age(chosen):
            newest[key] = chosen
    return [newest[key] for key in sorted(newest)]


def _age(chosen: Chosen) -> tuple[str, str]:
    return chosen.exported, chosen.manifest_sha256  # the sum decides, so that two imports decide alike


def _chosen(row: dict[str, Any]) -> Chosen:
    moment: datetime = row["exported_at"]
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return Chosen(
        workspace=row["workspace"],
        model=row["model"],
        version=int(row["version"]),
        manifest=row["manifest"],
        manifest_sha256=row["manifest_sha256"] or "",
        bytes=int(row["bytes"] or 0),
        exported=moment.isoformat(timespec="microseconds"),
    )
