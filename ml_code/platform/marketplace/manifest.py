"""What an exported model version consists of: the one document that says what its files must be.

A manifest is written last. A version without one was never exported, whatever lies in the archive.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_code.platform.errors import StepError

FORMAT = 1
"""Raised where a reader of the former format would read a manifest wrongly."""


class NewerFormat(StepError):
    """A manifest that a later version of this code wrote."""


class Damaged(StepError):
    """A manifest or a file that is not what its sum says."""


@dataclass(frozen=True)
class StoredFile:
    """A file: its size in bytes, the SHA-256 of its content, and of the chunks that it is stored as, in order."""

    path: str
    size: int
    sha256: str
    chunks: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where a version comes from."""

    workspace: str
    """Its name in the settings."""
    workspace_id: str
    host: str
    registry: str
    """unity_catalog or workspace."""
    mlflow: str
    """Version of the MLflow that exported it."""


@dataclass(frozen=True)
class Version:
    """A registered model's version as its registry has it; times are milliseconds since the epoch."""

    model: str
    version: int
    description: str
    model_description: str
    model_tags: Mapping[str, str]
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    stage: str | None
    created: int
    run_id: str | None
    model_id: str | None


@dataclass(frozen=True)
class LoggedModel:
    """MLflow 3's own record of a model that a run logged."""

    model_id: str
    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[Mapping[str, Any], ...]
    """key, value, step, timestamp, run_id, dataset_name, dataset_digest."""


@dataclass(frozen=True)
class Run:
    """The run that made the version."""

    run_id: str
    name: str
    status: str
    start: int | None
    end: int | None
    user: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, tuple[tuple[float, int, int], ...]]
    """By key, the whole history: value, step, timestamp."""
    inputs: tuple[Mapping[str, Any], ...]
    """Dataset inputs: name, digest, source_type, source, schema, profile, tags."""
    experiment_id: str
    experiment: str
    experiment_tags: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """One exported version. `run` is None where the registry names one that is gone; `notes` says so then."""

    origin: Origin
    version: Version
    run: Run | None
    logged_model: LoggedModel | None
    model_files: tuple[StoredFile, ...]
    """Of the model itself, by paths below its folder (MLmodel is one of them)."""
    artifacts: tuple[StoredFile, ...]
    """Of the run, by paths below its artifact root, without the model's own."""
    signature: Mapping[str, Any] | None
    flavors: tuple[str, ...]
    lineage: Mapping[str, Any]
    """Code (repository, branch, commit), tables and job run behind it, as tags and inputs tell."""
    permissions: tuple[Mapping[str, Any], ...]
    """Who might do what at the origin; information, applied nowhere."""
    notes: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def content(self) -> str:
        """SHA-256 of what the version is: the same for the same model, however often and whenever it is exported."""
        known = {file.path: file.sha256 for file in self.model_files}
        key = [self.origin.workspace, self.version.model, self.version.version, known]
        return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files as they were at the origin."""
        return sum(file.size for file in (*self.model_files, *self.artifacts))

    def to_json(self) -> bytes:
        """The document; the same manifest is the same bytes."""
        # `vars` of the parts, and not asdict, which copies every point of every metric.
        return json.dumps(self, default=vars, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, document: bytes, where: str) -> Manifest:
        """Reads what `to_json` wrote. Raises NewerFormat or Damaged, naming `where`."""
        try:
            found = json.loads(document)
            written = int(found["format"])
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{where}: not a manifest of the marketplace ({type(error).__name__}: {error})") from None
        if written > FORMAT:
            raise NewerFormat(
                f"{where}: written in format {written}, this code reads up to {FORMAT}: bring the hub up to date"
            )
        try:
            return _read(found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Damaged(f"{where}: not a whole manifest ({type(error).__name__}: {error})") from None


def _read(found: dict[str, Any]) -> Manifest:
    run, logged, version = found["run"], found["logged_model"], found["version"]
    if run is not None:
        history = {key: tuple((v, int(s), int(t)) for v, s, t in points) for key, points in run["metrics"].items()}
        run = Run(**{**run, "metrics": history, "inputs": tuple(run["inputs"])})
    return Manifest(
        **{
            **found,
            "origin": Origin(**found["origin"]),
            "version": Version(**{**version, "aliases": tuple(version["aliases"])}),
            "run": run,
            "logged_model": LoggedModel(**{**logged, "metrics": tuple(logged["metrics"])}) if logged else None,
            "model_files": _files(found["model_files"]),
            "artifacts": _files(found["artifacts"]),
            "flavors": tuple(found["flavors"]),
            "permissions": tuple(found["permissions"]),
            "notes": tuple(found["notes"]),
        }
    )


def _files(found: list[dict[str, Any]]) -> tuple[StoredFile, ...]:
    return tuple(StoredFile(**{**file, "chunks": tuple(file["chunks"])}) for file in found)
