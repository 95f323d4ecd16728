"""The run behind a version, made in the hub once: whatever number of versions it has, whenever an import is killed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.marketplace.hub.again import again
from ml_code.platform.marketplace.hub.model_file import ModelFile
from ml_code.platform.marketplace.hub.target import Sending, Target, Uploads
from ml_code.platform.marketplace.manifest import LoggedModel, Manifest, Run
from ml_code.platform.marketplace.registry.writing import LandedRun, Point

FOLDER = "/branchline-marketplace/experiments"
_CLAIM = "marketplace.files."
_NOT_FOR_EXPERIMENTS = "mlflow."
_NOTE = "mlflow.note.content"
_NAME, _PARENT, _HISTORY = "mlflow.runName", "mlflow.parentRunId", "mlflow.log-model.history"
_FOREIGN = {_NAME, _PARENT, _HISTORY, "mlflow.rootRunId"}
_ENDED = ("FINISHED", "FAILED", "KILLED")


@dataclass
class Landing:
    """Where a version's files go: the experiment, the run if there is one, and which folders of it are taken."""

    experiment_id: str
    run: LandedRun | None
    new: bool
    """Made by this very import: nothing of the version can be there already."""
    claimed: dict[str, str]
    """Content by folder below the run's artifacts; only where models lie there."""


class Runs:
    """Threads may ask for the same run at once: the first makes it, the others wait for it."""

    def __init__(self, target: Target, uploads: Uploads) -> None:
        self._target = target
        self._uploads = uploads
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._experiments: dict[str, tuple[str, bool]] = {}
        self._landed: dict[str, Landing] = {}
        self._kept: set[str] = set()

    def land(self, manifest: Manifest, model_file: ModelFile) -> Landing:
        """The hub's run with its history and files, whole. Raises Damaged, and what the server says."""
        key = marks.run_key(manifest)
        with self._locked(key):
            if key not in self._landed:
                self._landed[key] = self._land(key, manifest, model_file)
            return self._landed[key]

    def folder(self, manifest: Manifest, model_file: ModelFile, landing: Landing) -> str:
        """The model's folder below the run's artifacts, where logged models are none: another content's is not used."""
        folder, content = _folder(manifest, model_file), manifest.content
        with self._locked(marks.run_key(manifest)):
            if landing.claimed.get(folder, content) != content:
                folder = f"{folder}-{content[:12]}"
            if landing.claimed.get(folder) != content and landing.run:
                self._target.tracking.log(landing.run.run_id, tags={_CLAIM + folder: content})
                landing.claimed[folder] = content
        return folder

    def keep(self, manifest: Manifest) -> None:
        """The run has a version, or may have one after the next import."""
        with self._lock:
            self._kept.add(marks.run_key(manifest))

    def drop_unused(self) -> None:
        """Removes the runs that this import made for versions that it then refused."""
        for key, landing in self._landed.items():
            if landing.new and landing.run and key not in self._kept:
                with suppress(StepError):  # what stays is found and used by the next import
                    self._target.tracking.delete_run(landing.run.run_id)

    def _land(self, key: str, manifest: Manifest, model_file: ModelFile) -> Landing:
        experiment_id, new = self._experiment(manifest)
        run = manifest.run
        if run is None and self._target.keeps_logged_models:
            return Landing(experiment_id, None, new, {})
        if not new and (found := self._found(experiment_id, key)):
            claimed = {tag.removeprefix(_CLAIM): value for tag, value in found.tags.items() if tag.startswith(_CLAIM)}
            return Landing(experiment_id, found, False, claimed)
        claimed = {} if self._target.keeps_logged_models else {_folder(manifest, model_file): manifest.content}
        tags = {marks.RUN: key, **{_CLAIM + folder: content for folder, content in claimed.items()}}
        made = again(
            lambda: self._make(experiment_id, manifest, run or _stand_in(manifest), tags),
            lambda: self._found(experiment_id, key),
        )
        return Landing(experiment_id, made, True, claimed)

    def _make(self, experiment_id: str, manifest: Manifest, run: Run, tags: Mapping[str, str]) -> LandedRun:
        tracking = self._target.tracking
        made = tracking.create_run(
            experiment_id, name=run.name, user=run.user, start=run.start, tags={**tags, **_tags(run)}
        )
        try:
            apart = manifest.logged_model if self._target.keeps_logged_models else None
            history = {} if self._target.keeps_logged_models else _history(run, made.run_id)
            tracking.log(made.run_id, _points(run, apart), run.params, history)
            # Two runs that name the same new dataset at once: MLflow's database takes one and refuses the other.
            with self._locked(f"datasets of {experiment_id}"):
                tracking.log_inputs(made.run_id, run.inputs)
            self._uploads.send(made.artifacts, [Sending(file.path, file) for file in manifest.artifacts])
            tracking.end_run(made.run_id, run.status, run.end)
        except StepError:
            with suppress(StepError):  # a run that has not ended is removed by the next import, too
                tracking.delete_run(made.run_id)
            raise
        return made

    def _found(self, experiment_id: str, key: str) -> LandedRun | None:
        """The run that a former import made whole; halves are removed."""
        whole = None
        for run in self._target.tracking.runs_tagged(experiment_id, marks.RUN, key):
            if run.ended:
                whole = whole or run
            else:
                self._target.tracking.delete_run(run.run_id)
        return whole

    def _experiment(self, manifest: Manifest) -> tuple[str, bool]:
        run, workspace = manifest.run, manifest.origin.workspace
        name = f"{FOLDER}/{workspace}/no-run"
        tags = {marks.WORKSPACE: workspace}
        if run:
            own = {
                tag: value
                for tag, value in marks.without_ours(dict(run.experiment_tags)).items()
                if tag == _NOTE or not tag.startswith(_NOT_FOR_EXPERIMENTS)
            }
            tags = {**own, **tags, marks.EXPERIMENT: run.experiment}
            # The id, because two experiments may have one name in different folders.
            label = run.experiment.rstrip("/").rpartition("/")[2] or "experiment"
            name = f"{FOLDER}/{workspace}/{label}-{run.experiment_id}"
        with self._locked(name):
            if name not in self._experiments:
                self._experiments[name] = self._target.tracking.experiment(name, tags)
            return self._experiments[name]

    def _locked(self, key: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(key, threading.Lock())


def linked_points(manifest: Manifest, model_id: str) -> list[Point]:
    """Metrics that the run logged for this very model, as the hub's run has them for the hub's."""
    run, logged = manifest.run, manifest.logged_model
    if not run or not logged:
        return []
    return [
        Point(
            str(each["key"]),
            float(each["value"]),
            int(each.get("timestamp") or 0),
            int(each.get("step") or 0),
            model_id,
            each.get("dataset_name"),
            each.get("dataset_digest"),
        )
        for each in logged.metrics
        if each.get("run_id") in (None, "", run.run_id)
    ]


def _points(run: Run, apart: LoggedModel | None) -> Iterator[Point]:
    """The run's history, without what is logged once more for the model."""
    linked = {_identity(each) for each in apart.metrics} if apart else set()
    for key, points in run.metrics.items():
        for value, step, timestamp in points:
            if (key, repr(float(value)), step, timestamp) not in linked:
                yield Point(key, value, timestamp, step)


def _identity(metric: Mapping[str, Any]) -> tuple[str, str, int, int]:
    value, step, timestamp = metric["value"], metric.get("step") or 0, metric.get("timestamp") or 0
    return str(metric["key"]), repr(float(value)), int(step), int(timestamp)


def _tags(run: Run) -> dict[str, str]:
    own = {tag: value for tag, value in marks.without_ours(dict(run.tags)).items() if tag not in _FOREIGN}
    if parent := run.tags.get(_PARENT):
        own[marks.PARENT_RUN] = parent
    if run.status not in _ENDED:
        own[marks.STATUS] = run.status
    return own


def _history(run: Run, run_id: str) -> dict[str, str]:
    """MLflow 2's list of the models that a run logged, naming the hub's run."""
    history = run.tags.get(_HISTORY)
    return {_HISTORY: history.replace(run.run_id, run_id)} if history else {}


def _folder(manifest: Manifest, model_file: ModelFile) -> str:
    logged = manifest.logged_model
    return f"{logged.name}-{logged.model_id}" if logged else model_file.artifact_path


def _stand_in(manifest: Manifest) -> Run:
    """For a version whose run is gone, where MLflow keeps a model's files with a run."""
    version = manifest.version
    return Run(
        run_id="",
        name=f"{version.model} {version.version}",
        status="FINISHED",
        start=version.created,
        end=version.created,
        user="",
        params={},
        tags={},
        metrics={},
        inputs=(),
        experiment_id="",
        experiment="",
        experiment_tags={},
    )
