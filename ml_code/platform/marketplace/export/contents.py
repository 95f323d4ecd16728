"""What a version consists of: its run, its logged model and the names of its files, before any of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.manifest import LoggedModel, Run
from ml_code.platform.marketplace.registry.artifacts import Artifacts, Found, below
from ml_code.platform.marketplace.registry.http import Denied, Refused
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.records import ModelVersion
from ml_code.platform.marketplace.registry.run_batches import RunBatches
from ml_code.platform.marketplace.registry.runs import FoundRun, Runs

MLMODEL = "MLmodel"


@dataclass(frozen=True)
class Listed:
    """A version's parts; model files by paths below the model's folder, artifacts below the run's."""

    run: Run | None
    logged_model: LoggedModel | None
    model_files: Sequence[Found]
    artifacts: Sequence[Found]
    notes: tuple[str, ...]

    @property
    def files(self) -> tuple[Found, ...]:
        """All files, the model's own first."""
        return (*self.model_files, *self.artifacts)

    @property
    def size(self) -> int:
        """Bytes of all files, as far as listings tell."""
        return sum(file.size or 0 for file in self.files)


class Contents:
    """Looks into versions of one registry. Threads may use it at once."""

    def __init__(self, registry: Registry, pace: Pace, versions: Iterable[ModelVersion] = ()) -> None:
        """`versions` are those that will be looked into, as far as known: their runs are read many at once."""
        self._registry = registry
        self._pace = pace
        self._runs = Runs(registry.rest)
        # Databricks' documentation has one run a call, and no histories of many.
        ids = [version.run_id for version in versions if version.run_id] if registry.is_mlflow else []
        self._batches = RunBatches(registry.rest, self._runs, ids)
        self._artifacts = Artifacts(registry.rest, registry.uri, registry.registry_uri)

    def look(self, version: ModelVersion) -> Listed:
        """Run, logged model and the names of all files. Raises StepError where the model has no files."""
        with self._pace.turn():
            notes: list[str] = []
            found = self._batches.get(version.run_id) if version.run_id else None
            _note_run(version, found, notes)
            root, logged = self._root(version, found, notes)
            model_files = self._artifacts.files(root)
            if MLMODEL not in {file.path for file in model_files}:
                raise StepError(f"no {MLMODEL} at {root}: the model's files are gone, or it is no MLflow model")
            artifacts = self._artifacts.files(found.artifacts, without=root) if found and found.artifacts else []
            return Listed(found.run if found else None, logged, model_files, artifacts, tuple(notes))

    def _root(self, version: ModelVersion, found: FoundRun | None, notes: list[str]) -> tuple[str, LoggedModel | None]:
        """Where the model's own files are: the logged model's, or the source that the version names."""
        logged = None
        if version.model_id:
            try:
                logged = self._runs.logged_model(version.model_id)
            except Denied:
                raise
            except Refused as error:
                # The version's files may be copies that outlive it, as Unity Catalog's do.
                notes.append(f"logged model {version.model_id} cannot be read: {error.code}")
        record = logged.model if logged else None
        if self._registry.client:
            return self._registry.download_uri(version.model, version.version), record
        if logged:
            return logged.artifacts, record
        inside = below(f"runs:/{version.run_id}", version.source)
        if inside and found:
            return f"{found.artifacts.rstrip('/')}/{inside}", record
        if version.source.startswith(("models:/", "runs:/")) or not version.source:
            return self._registry.download_uri(version.model, version.version), record
        return version.source, record

    def read(self, file: Found) -> Iterator[bytes]:
        """A file's content, block by block."""
        return self._artifacts.read(file)


def _note_run(version: ModelVersion, found: FoundRun | None, notes: list[str]) -> None:
    if version.run_id and found is None:
        notes.append(f"run {version.run_id} is gone: parameters, metrics and artifacts are not known")
    elif found and found.deleted:
        notes.append(f"run {version.run_id} is deleted at the origin")
