"""The surroundings of one run's tasks: checkout, engines, token, environment."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from infra.workspace.compute import catalogue
from infra.workspace.compute.engine import Engine
from infra.workspace.compute.service import sail_settings
from infra.workspace.gateway.errors import ApiError
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs.checkout import CheckoutError, imported_packages
from infra.workspace.jobs.records import JobRun
from infra.workspace.jobs.services import RunServices

_TOKEN_LIFETIME = timedelta(days=30)
_SERVERLESS = ""


class TaskRefused(Exception):
    """A task cannot start; `code` is the termination code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Cluster:
    """What a task runs on: its specification as the policy makes it, and its engine once started."""

    spec: Mapping[str, Any]
    engine: Engine
    owned: bool


@dataclass
class Sandbox:
    """One run's folder and processes; everything in it ends with the run, but for logs."""

    services: RunServices
    run: JobRun
    run_as: Principal
    token: str = ""
    _clusters: dict[str, Cluster] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _checkout: Path | None = None
    _warmed: set[Path] = field(default_factory=set)

    def open(self) -> None:
        """Issues the run's token, which `close` revokes."""
        self.token = self.services.identity.issue_token(self.run_as, _TOKEN_LIFETIME, f"run {self.run.run_id}")
        self.services.records.keep_token(self.run.run_id, self.token)

    @property
    def folder(self) -> Path:
        return self.services.run_folder(self.run.run_id)

    def file_of(self, python: Mapping[str, Any]) -> Path:
        """The local file of a spark_python_task; raises TaskRefused where it cannot be had."""
        name = str(python["python_file"])
        source = python.get("source") or ("GIT" if "git_source" in self.run.settings else "WORKSPACE")
        if name.startswith(("/", "dbfs:", "s3:", "abfss:", "gs:")):
            source = "WORKSPACE"
        if source == "GIT":
            file = self.checkout() / PurePosixPath(name)
            if not file.resolve().is_relative_to(self.checkout().resolve()) or not file.is_file():
                where = f"commit {self.run.used_commit[:12]} of {self.run.settings['git_source']['git_url']}"
                raise TaskRefused(
                    f"Cannot read the Python file {name}: {where} has no such file.", "RESOURCE_NOT_FOUND"
                )
            self._warm(file)
            return file
        return self._workspace_file(name)

    def _warm(self, file: Path) -> None:
        with self._lock:
            if file.parent not in self._warmed:
                self._warmed.add(file.parent)
                self.services.compute.warm(imported_packages(file, self.checkout()))

    def checkout(self) -> Path:
        """The run's own copy of the pinned commit, made at the first use."""
        with self._lock:
            if self._checkout is None:
                folder = self.folder / "checkout"
                shutil.rmtree(folder, ignore_errors=True)
                try:
                    self.services.repositories.check_out(
                        str(self.run.settings["git_source"]["git_url"]), self.run.used_commit, folder
                    )
                except CheckoutError as error:
                    message = f"Failed to checkout Git repository: {error}"
                    raise TaskRefused(message, "REPOSITORY_CHECKOUT_FAILED") from error
                self._checkout = folder
            return self._checkout

    def cluster(self, task: Mapping[str, Any]) -> Cluster:
        """The cluster of a task, its engine running; raises TaskRefused."""
        key, spec = self._cluster_spec(task)
        with self._lock:
            known = self._clusters.get(key)
            if known is None or not known.engine.alive:
                self._clusters[key] = known = self._start(key, spec)
            return known

    def redact(self, text: str) -> str:
        """`text` without the secrets that the run could read."""
        return self.services.secrets.redact(text, self.run_as)

    def environment(self, cluster: Cluster) -> dict[str, str]:
        """All the variables that a task has: none of the workspace's own are passed on."""
        home, scratch = self.folder / "home", self.folder / "tmp"
        for folder in (home, scratch):
            folder.mkdir(exist_ok=True)
        config = self.services.config
        variables = cluster.spec.get("spark_env_vars") or {}
        try:
            own = {name: self.services.secrets.resolve(self.run_as, str(value)) for name, value in variables.items()}
        except ApiError as error:
            raise TaskRefused(f"spark_env_vars: {error.message}", "INVALID_CLUSTER_REQUEST") from error
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "LANG": "C.UTF-8",
            "MPLBACKEND": "Agg",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **own,
            "HOME": str(home),
            "TMPDIR": str(scratch),
            "DATABRICKS_HOST": config.url,
            "DATABRICKS_TOKEN": self.token,
            "DATABRICKS_RUNTIME_VERSION": catalogue.runtime_number(str(cluster.spec.get("spark_version", ""))),
            "SPARK_REMOTE": cluster.engine.remote,
            "MLFLOW_TRACKING_URI": config.url,
            "MLFLOW_TRACKING_TOKEN": self.token,
        }

    def close(self) -> None:
        """Ends the run's engines, revokes its token, removes all but its logs."""
        with self._lock:
            for cluster in self._clusters.values():
                if cluster.owned:
                    cluster.engine.stop()
            self._clusters.clear()
        if self.token:
            self.services.identity.revoke(self.token)
            self.services.records.drop_token(self.run.run_id)
        for name in ("checkout", "workspace", "home", "tmp", "tasks"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _cluster_spec(self, task: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        if task.get("existing_cluster_id"):
            return f"existing/{task['existing_cluster_id']}", {}
        if task.get("new_cluster"):
            return f"task/{task['task_key']}", task["new_cluster"]
        key = task.get("job_cluster_key")
        for cluster in self.run.settings.get("job_clusters", []):
            if key and cluster["job_cluster_key"] == key:
                return f"job/{key}", cluster["new_cluster"]
        return _SERVERLESS, {}

    def _start(self, key: str, spec: Mapping[str, Any]) -> Cluster:
        compute = self.services.compute
        try:
            if key.startswith("existing/"):
                engine = compute.clusters.running_engine(self.run_as, key.removeprefix("existing/"))
                return Cluster({}, engine, owned=False)
            if key != _SERVERLESS:
                spec = compute.policies.enforce(self.run_as, spec, "job")
        except ApiError as error:
            raise TaskRefused(f"Cluster could not be created: {error.message}", "INVALID_CLUSTER_REQUEST") from error
        root = self.checkout() if "git_source" in self.run.settings else self.folder
        number = len(self._clusters)
        log = self.folder / "logs" / f"engine-{number}.log"
        log.parent.mkdir(exist_ok=True)
        try:
            engine = compute.start_engine(root, self.run_as, self.token, sail_settings(spec), paths=[root], log=log)
        except ApiError as error:
            raise TaskRefused(f"Cluster could not be started: {error.message}", "CLUSTER_ERROR") from error
        return Cluster(spec, engine, owned=True)

    def _workspace_file(self, name: str) -> Path:
        """Copies a workspace file and its Python neighbours, which it may import, to the run's folder."""
        if not name.startswith("/") or name.startswith("/Volumes/"):
            raise TaskRefused(f"Python files in {name} are not supported by the local workspace.", "FEATURE_DISABLED")
        files, remote = self.services.files, PurePosixPath(name)
        local = self.folder / "workspace" / str(remote.parent).lstrip("/")
        local.mkdir(parents=True, exist_ok=True)
        try:
            target = local / remote.name
            target.write_bytes(files.export_raw(self.run_as, name))
            for entry in files.list(self.run_as, str(remote.parent)).get("objects", []):
                neighbour = PurePosixPath(entry["path"])
                if neighbour.suffix == ".py" and neighbour != remote:
                    (local / neighbour.name).write_bytes(files.export_raw(self.run_as, str(neighbour)))
        except ApiError as error:
            raise TaskRefused(f"Cannot read the Python file {name}: {error.message}", "RESOURCE_NOT_FOUND") from error
        return target
