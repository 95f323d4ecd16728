"""One version, whole: its files into the archive, and the manifest that says what they must be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

import yaml

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.contents import MLMODEL, Contents, Listed
from ml_code.platform.marketplace.export.lineage import lineage_of
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.manifest import Manifest, Origin, StoredFile, Version
from ml_code.platform.marketplace.registry.artifacts import Found
from ml_code.platform.marketplace.registry.records import ModelVersion, RegisteredModel

Permissions = Callable[[str], tuple[Mapping[str, Any], ...]]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Snapshots:
    """Takes versions into one archive. Threads may use it at once."""

    def __init__(
        self,
        contents: Contents,
        archive: Archive,
        origin: Origin,
        pace: Pace,
        files: Executor,
        permissions: Permissions = lambda model: (),
        read: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._contents = contents
        self._archive = archive
        self._origin = origin
        self._pace = pace
        self._files = files
        self._permissions = permissions
        self._read = read

    def take(self, model: RegisteredModel, version: ModelVersion, wrote: Callable[[int], None]) -> Manifest:
        """Stores every file and returns the manifest, which is not in the archive yet; `wrote` hears of its bytes."""
        listed = self._contents.look(version)
        documents: list[bytes] = []
        stored = self._store(listed, wrote, documents)
        count, notes = len(listed.model_files), list(listed.notes)
        permissions = self._permitted(version.model, notes)
        about = _read_mlmodel(documents[0], f"{version.model} v{version.version}")
        return Manifest(
            origin=self._origin,
            version=version_record(model, version),
            run=listed.run,
            logged_model=listed.logged_model,
            model_files=tuple(stored[:count]),
            artifacts=tuple(stored[count:]),
            signature=_signature(about),
            flavors=tuple(sorted(about.get("flavors") or {})),
            lineage=lineage_of(listed.run, version.tags),
            permissions=permissions,
            notes=tuple(notes),
        )

    def _permitted(self, model: str, notes: list[str]) -> tuple[Mapping[str, Any], ...]:
        """They are information: where they cannot be read the version goes without."""
        try:
            with self._pace.turn():
                return self._permissions(model)
        except StepError as error:
            notes.append(f"permissions cannot be read: {error}")
            return ()

    def _store(self, listed: Listed, wrote: Callable[[int], None], documents: list[bytes]) -> list[StoredFile]:
        def store(file: Found, keep: bool) -> StoredFile:
            with self._pace.turn():
                content = self._contents.read(file)
                stored = self._archive.put(file.path, _kept(content, documents) if keep else content, wrote)
            self._read(stored.size)
            return stored

        jobs = [
            self._files.submit(store, file, position < len(listed.model_files) and file.path == MLMODEL)
            for position, file in enumerate(listed.files)
        ]
        try:
            return [job.result() for job in jobs]
        finally:
            for job in jobs:
                job.cancel()


def version_record(model: RegisteredModel, version: ModelVersion) -> Version:
    """The version as a manifest holds it."""
    return Version(
        model=version.model,
        version=version.version,
        description=version.description,
        model_description=model.description,
        model_tags=model.tags,
        tags=version.tags,
        aliases=model.aliases_of(version.version),
        stage=version.stage,
        created=version.created,
        run_id=version.run_id,
        model_id=version.model_id,
    )


def _kept(content: Iterator[bytes], documents: list[bytes]) -> Iterator[bytes]:
    """Passes the content on and keeps a copy: of MLmodel, which is small."""
    blocks = []
    for block in content:
        blocks.append(block)
        yield block
    documents.append(b"".join(blocks))


def _read_mlmodel(document: bytes, where: str) -> dict[str, Any]:
    try:
        about = yaml.load(document, Loader=_LOADER)  # noqa: S506  # a safe loader, in C where there is one
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StepError(f"{where}: its {MLMODEL} cannot be read: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(about, dict):
        raise StepError(f"{where}: its {MLMODEL} is no mapping")
    return about


def _signature(about: Mapping[str, Any]) -> dict[str, Any] | None:
    """Inputs, outputs and params as MLmodel has them, each JSON in a text."""
    found = about.get("signature")
    if not isinstance(found, Mapping):
        return None
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in found.items()}
