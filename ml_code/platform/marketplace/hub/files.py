"""A version's own files: in a logged model of its own, or in a folder of its run where MLflow has no logged models."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.marketplace.hub.again import again
from ml_code.platform.marketplace.hub.errors import Unfit
from ml_code.platform.marketplace.hub.model_file import PATH, ModelFile
from ml_code.platform.marketplace.hub.runs import Landing, Runs, linked_points
from ml_code.platform.marketplace.hub.target import Sending, Target, Uploads
from ml_code.platform.marketplace.manifest import Manifest, StoredFile
from ml_code.platform.marketplace.registry.writing import LandedModel

_LONGEST_MODEL_FILE = 16 * 1024 * 1024
_OF_THE_SERVER = "mlflow.modelVersions"


@dataclass(frozen=True)
class Source:
    """What a version is made of."""

    uri: str
    run_id: str | None
    model_id: str | None


def read_model_file(archive: Archive, manifest: Manifest) -> ModelFile:
    """The version's MLmodel. Raises Damaged, or Unfit where it has none that can be read."""
    file = _model_file(manifest)
    if file.size > _LONGEST_MODEL_FILE:
        raise Unfit(f"{PATH} has {file.size:,} bytes: it is not a model that MLflow can load")
    return ModelFile.read(b"".join(archive.read(file)))


class ModelFiles:
    """Puts versions' files where the target keeps them."""

    def __init__(self, target: Target, uploads: Uploads, runs: Runs) -> None:
        self._target = target
        self._uploads = uploads
        self._runs = runs

    def land(self, manifest: Manifest, model_file: ModelFile, landing: Landing, tags: Mapping[str, str]) -> Source:
        """All files, verified; what a former import made whole is used. Raises Damaged, and what the server says."""
        run_id = landing.run.run_id if landing.run else None
        if not self._target.keeps_logged_models:
            return self._in_run(manifest, model_file, landing)
        whole = None if landing.new else self._found(landing, manifest)
        made = whole or again(
            lambda: self._make(manifest, model_file, landing, tags), lambda: self._found(landing, manifest)
        )
        return Source(f"models:/{made.model_id}", run_id, made.model_id)

    def _make(
        self, manifest: Manifest, model_file: ModelFile, landing: Landing, tags: Mapping[str, str]
    ) -> LandedModel:
        tracking, logged = self._target.tracking, manifest.logged_model
        run_id = landing.run.run_id if landing.run else None
        own = marks.without_ours(dict(logged.tags)) if logged else {}
        own.pop(_OF_THE_SERVER, None)
        made = tracking.create_logged_model(
            landing.experiment_id,
            run_id=run_id,
            name=logged.name if logged else model_file.artifact_path.rpartition("/")[2],
            params=logged.params if logged else {},
            tags={**own, **tags},
        )
        try:
            renamed = model_file.naming(run_id=run_id, model_id=made.model_id, location=made.artifacts)
            self._uploads.send(made.artifacts, _sendings(manifest, "", renamed))
            if run_id:
                tracking.log(run_id, linked_points(manifest, made.model_id))
                tracking.log_output(run_id, made.model_id)
            tracking.finish_logged_model(made.model_id)
        except StepError:
            with suppress(StepError):  # one that is not ready is removed by the next import, too
                tracking.delete_logged_model(made.model_id)
            raise
        return made

    def _found(self, landing: Landing, manifest: Manifest) -> LandedModel | None:
        whole = None
        for model in self._target.tracking.logged_models_tagged(landing.experiment_id, marks.CONTENT, manifest.content):
            if model.ready:
                whole = whole or model
            else:
                self._target.tracking.delete_logged_model(model.model_id)
        return whole

    def _in_run(self, manifest: Manifest, model_file: ModelFile, landing: Landing) -> Source:
        run = landing.run
        if run is None:
            raise StepError(f"MLflow {self._target.mlflow} keeps a model's files with a run, and none was made")
        folder = self._runs.folder(manifest, model_file, landing)
        renamed = model_file.naming(run_id=run.run_id, model_id=None, location=folder)
        self._uploads.send(run.artifacts, _sendings(manifest, f"{folder}/", renamed))
        return Source(f"{run.artifacts}/{folder}", run.run_id, None)


def _sendings(manifest: Manifest, prefix: str, model_file: bytes) -> list[Sending]:
    return [
        Sending(prefix + file.path, file, model_file if file.path == PATH else None) for file in manifest.model_files
    ]


def _model_file(manifest: Manifest) -> StoredFile:
    for file in manifest.model_files:
        if file.path == PATH:
            return file
    raise Unfit(f"it has no {PATH}: it is not a model that MLflow can load")
