"""A checked model into the archive, as the version of a workspace called open-source: import takes it from there.

Order: files, manifest, row in the exports; the caller keeps the report last, which says that all is done. A kill in
between leaves what the next run completes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive, Committed
from ml_code.platform.marketplace.intake.findings import Report
from ml_code.platform.marketplace.intake.request import NamedRequest, Request
from ml_code.platform.marketplace.manifest import Manifest, Origin, StoredFile, Version

WORKSPACE = "open-source"
REGISTRY = "intake"

_BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Made:
    """By whom and when: the job run and the commit that the request was read from."""

    day: date
    run_id: str
    commit: str


def report_path(named: NamedRequest) -> str:
    """Where the report of a request at a revision lies in the archive."""
    return f"intake/{named.name}/{named.request.source.revision}/report.json"


def delivered(archive: Archive, named: NamedRequest) -> str | None:
    """Path of the manifest, where this very request was accepted and delivered already; else None."""
    found = archive.read_document(report_path(named))
    if not isinstance(found, Mapping) or found.get("digest") != named.digest or found.get("verdict") != "accepted":
        return None
    return str(found["manifest"]) if found.get("manifest") else None


def keep_report(archive: Archive, named: NamedRequest, report: Report, manifest: str | None) -> None:
    """Writes the report, last of all. `manifest`: where the model was delivered to."""
    archive.write_document(report_path(named), report.to_document() | {"manifest": manifest})


def deliver(archive: Archive, named: NamedRequest, report: Report, folder: Path, made: Made) -> Committed:
    """Stores the accepted model in the folder. Raises StepError where the version is there with other content."""
    before = archive.bytes_written
    began = datetime.now(UTC)
    files = tuple(_stored(archive, report, folder))
    manifest = _manifest(named, report, made, files)
    committed = _committed(archive, manifest) or archive.commit(manifest)
    now = datetime.now(UTC)
    archive.append_exports(
        WORKSPACE,
        [
            {
                "date": made.day,
                "workspace": WORKSPACE,
                "workspace_id": WORKSPACE,
                "registry": REGISTRY,
                "model": manifest.version.model,
                "version": manifest.version.version,
                "status": "exported",
                "manifest": committed.path,
                "manifest_sha256": committed.sha256,
                "content_sha256": manifest.content,
                "bytes": manifest.size,
                "bytes_written": archive.bytes_written - before,
                "files": len(files),
                "seconds": (now - began).total_seconds(),
                "exported_at": now,
                "run_id": made.run_id,
            }
        ],
    )
    return committed


def _stored(archive: Archive, report: Report, folder: Path) -> Iterator[StoredFile]:
    """The files as they were checked: one that has changed since is not delivered."""
    for file in report.files:
        stored = archive.put(file.path, _blocks(folder / file.path))
        if stored.sha256 != file.sha256:
            raise StepError(f"{file.path} changed after it was checked: something else writes to the check's folder")
        yield stored


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block


def _committed(archive: Archive, manifest: Manifest) -> Committed | None:
    """What an earlier run committed of the same content. Raises StepError where the content is another."""
    found = None
    for path in archive.manifests(WORKSPACE, manifest.version.model, manifest.version.version):
        known = archive.manifest(path)
        if known.content != manifest.content:
            raise StepError(
                f"{manifest.version.model} version {manifest.version.version} is in the archive with other content"
                f" ({known.lineage.get('source')} at {known.lineage.get('revision')}): count the request's version up"
            )
        found = Committed(path, path.rpartition("/")[2].removesuffix(".json"), len(known.to_json()))
    return found


def _manifest(named: NamedRequest, report: Report, made: Made, files: tuple[StoredFile, ...]) -> Manifest:
    request, description = named.request, _description(named.request)
    facts = {
        "source": report.source,
        "revision": report.revision,
        "licence": report.licence,
        "purpose": report.purpose,
        "owner": report.owner,
        "request": named.name,
        "report": report_path(named),
    }
    return Manifest(
        origin=Origin(WORKSPACE, WORKSPACE, report.source, REGISTRY, installed("mlflow")),
        version=Version(
            model=request.model,
            version=request.version,
            description=description,
            model_description=description,
            model_tags={"licence": report.licence, "owner": report.owner},
            tags=_tags(facts),
            aliases=("champion",),
            stage=None,
            created=int(datetime.fromisoformat(report.checked_at).timestamp() * 1000),
            run_id=None,
            model_id=None,
        ),
        run=None,
        logged_model=None,
        model_files=files,
        artifacts=(),
        signature=report.signature,
        flavors=report.flavors,
        lineage=facts | {"commit": made.commit},
        permissions=(),
        notes=tuple(str(each) for each in report.findings),
    )


def _description(request: Request) -> str:
    about = f"From {request.source.address} at {request.source.revision}, licence {request.licence}."
    parts = (request.description.strip(), about, f"Purpose: {request.purpose}", f"Owner: {request.owner}")
    return "\n\n".join(part for part in parts if part)


def _tags(facts: Mapping[str, Any]) -> dict[str, str]:
    """As tags of the version: what people look for first."""
    return {f"intake.{key}": str(value)[:256] for key, value in facts.items() if key != "purpose"}
