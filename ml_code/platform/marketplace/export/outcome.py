"""What an export did with each model, as rows of the export summary and as words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

from ml_code.platform.marketplace.archive.archive import Committed
from ml_code.platform.marketplace.manifest import Manifest, Origin

Status = Literal["exported", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """One model's version: what was done, and why if it was not exported. Sizes in bytes."""

    model: str
    version: int | None
    status: Status
    reason: str | None = None
    committed: Committed | None = None
    content: str | None = None
    size: int | None = None
    written: int | None = None
    files: int | None = None
    seconds: float | None = None

    def row(self, origin: Origin, day: date, run_id: str) -> dict[str, Any]:
        """As a row of schema.EXPORTS."""
        return {
            "date": day,
            "workspace": origin.workspace,
            "workspace_id": origin.workspace_id,
            "registry": origin.registry,
            "model": self.model,
            "version": self.version,
            "status": self.status,
            "reason": self.reason,
            "manifest": self.committed.path if self.committed else None,
            "manifest_sha256": self.committed.sha256 if self.committed else None,
            "content_sha256": self.content,
            "bytes": self.size,
            "bytes_written": self.written,
            "files": self.files,
            "seconds": self.seconds,
            "exported_at": datetime.now(UTC),
            "run_id": run_id,
        }


def exported(manifest: Manifest, committed: Committed, written: int, seconds: float) -> Outcome:
    """A version whose manifest is in the archive."""
    return Outcome(
        manifest.version.model,
        manifest.version.version,
        "exported",
        committed=committed,
        content=manifest.content,
        size=manifest.size,
        written=written,
        files=len(manifest.model_files) + len(manifest.artifacts),
        seconds=round(seconds, 3),
    )


@dataclass(frozen=True)
class Report:
    """A whole export. `unmarked` are exported versions whose description could not be changed, each with the reason."""

    outcomes: tuple[Outcome, ...]
    unmarked: tuple[str, ...] = ()
    requests: int = 0
    written: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("exported", "skipped", "failed"), 0)
        for outcome in self.outcomes:
            counts[outcome.status] += 1
        object.__setattr__(self, "counts", counts)

    @property
    def failures(self) -> tuple[str, ...]:
        """What a person has to look at, one line each."""
        failed = tuple(
            f"{each.model} v{each.version}: {each.reason}" for each in self.outcomes if each.status == "failed"
        )
        return failed + tuple(f"exported, but not marked: {line}" for line in self.unmarked)

    @property
    def size(self) -> int:
        """Bytes of what was exported, as it was at the origin."""
        return sum(each.size or 0 for each in self.outcomes if each.status == "exported")

    def sentence(self) -> str:
        """The export in one line."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return (
            f"{counts}; {in_bytes(self.size)} read, {in_bytes(self.written)} written, "
            f"{self.requests} requests in {self.seconds:.1f} s"
        )


def in_bytes(size: float) -> str:
    """A size as people read it, in powers of 1024."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
