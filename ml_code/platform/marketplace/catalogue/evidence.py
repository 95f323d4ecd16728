"""What the archive knows of a version: its manifest, and the small files of its run that people judge a model by.

A file that is damaged or too large is left out and said so: one bad file must not hide a model from everybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.catalogue.records import Evidence, Version
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.marketplace.manifest import Damaged, Manifest, StoredFile
from ml_code.platform.model_card.facts import FILES
from ml_code.platform.model_card.render import FOLDER

if TYPE_CHECKING:
    from ml_code.platform.marketplace.archive.archive import Archive

_CARD = f"{FOLDER}/card.html"
_README = "README.md"
_LARGEST = {".html": 4 << 20, ".json": 2 << 20, ".md": 256 << 10}
"""Bytes that are shown of one file at most; Databricks takes pages of up to 10 MB."""


def read_evidence(archive: Archive, version: Version) -> Evidence:
    """Of a version with an origin; what cannot be read is a note."""
    try:
        path = _manifest_path(archive, version)
        manifest = archive.manifest(path) if path else None
    except StepError as error:
        return Evidence(tags=version.tags, notes=(str(error),))
    if manifest is None:
        return Evidence(tags=version.tags, notes=("The archive has no manifest of this version any more.",))
    return _evidence(archive, manifest, path)


def _manifest_path(archive: Archive, version: Version) -> str:
    """The manifest that was imported; where the version was exported again since, still that one."""
    if not version.workspace:
        return ""
    known = archive.manifests(version.workspace, version.model, version.version)
    wanted = f"/{version.tags.get(marks.MANIFEST, '')}.json"
    return next((path for path in known if path.endswith(wanted)), "")


def _evidence(archive: Archive, manifest: Manifest, path: str) -> Evidence:
    run = manifest.run
    notes = list(manifest.notes)
    files = {file.path: file for file in (*manifest.model_files, *manifest.artifacts)}
    results = {name: _json(archive, files.get(where), notes) for name, where in FILES.items()}
    return Evidence(
        flavors=manifest.flavors,
        size=manifest.size,
        files=len(manifest.model_files) + len(manifest.artifacts),
        manifest=path,
        signature=manifest.signature,
        host=manifest.origin.host,
        mlflow=manifest.origin.mlflow,
        run_id=run.run_id if run else "",
        user=run.user if run else "",
        params=run.params if run else {},
        metrics=_last(run.metrics) if run else {},
        tags={**(run.tags if run else {}), **manifest.version.tags},
        lineage=manifest.lineage,
        inputs=run.inputs if run else (),
        results={name: found for name, found in results.items() if found},
        card=_text(archive, files.get(_CARD), notes),
        readme=_text(archive, files.get(_README), notes),
        notes=tuple(notes),
    )


def _last(history: Mapping[str, Sequence[tuple[float, int, int]]]) -> dict[str, float]:
    """Each metric's last value: of the highest step, then of the latest moment."""
    return {key: max(points, key=lambda point: point[1:])[0] for key, points in history.items() if points}


def _json(archive: Archive, file: StoredFile | None, notes: list[str]) -> dict[str, Any]:
    text = _text(archive, file, notes)
    if not text or file is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        notes.append(f"{file.path} is not JSON and is not shown.")
        return {}
    return found if isinstance(found, dict) else {}


def _text(archive: Archive, file: StoredFile | None, notes: list[str]) -> str:
    if file is None:
        return ""
    most = _LARGEST[f".{file.path.rpartition('.')[2]}"]
    if file.size > most:
        notes.append(f"{file.path} has {file.size} bytes, more than the {most} that are shown here.")
        return ""
    try:
        return b"".join(archive.read(file)).decode("utf-8", "replace")
    except Damaged as error:
        notes.append(f"{file.path} is damaged in the archive and is not shown: {error}")
        return ""
