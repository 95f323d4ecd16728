"""Manifests that a killed export committed and did not come to record: their files need not be read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive, Committed
from ml_code.platform.marketplace.manifest import Manifest, Version


@dataclass(frozen=True)
class Unrecorded:
    """A workspace's manifests without a row in its export table."""

    archive: Archive
    manifests: tuple[tuple[str, Manifest], ...]

    @classmethod
    def find(cls, archive: Archive, workspace: str) -> Unrecorded:
        """One listing and one read of the table; manifests are read where the table lacks them only."""
        rows = archive.exports([workspace], date.min, date.max).select(["status", "manifest"]).to_pylist()
        recorded = {row["manifest"] for row in rows if row["status"] == "exported"}
        found = []
        for path in archive.manifests(workspace):
            if path not in recorded:
                try:
                    found.append((path, archive.manifest(path)))
                except StepError:
                    # Half written, damaged or of a newer format: that version is exported anew.
                    continue
        return cls(archive, tuple(found))

    def of(self, version: Version) -> tuple[Manifest, Committed] | None:
        """The manifest of a version that has not changed in the registry since it was committed."""
        for path, manifest in self.manifests:
            if manifest.version == version:
                return manifest, Committed(path, PurePosixPath(path).stem, len(manifest.to_json()))
        return None
