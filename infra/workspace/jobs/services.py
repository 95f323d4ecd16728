"""What jobs and the execution of their runs need of this room and of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from infra.workspace.compute.ports import AccessControl, Identity
from infra.workspace.compute.service import ComputeService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs.checkout import Repositories
from infra.workspace.jobs.notifications import Notifications
from infra.workspace.jobs.records import JobRun, RunRecords, TaskRun
from infra.workspace.jobs.states import State
from infra.workspace.store.database import Store


class JobIdentity(Identity, Protocol):
    """Also says who may run jobs as whom (`identity.service.IdentityService`)."""

    def may_run_as(self, principal: Principal, target: Principal) -> bool: ...


class WorkspaceFiles(Protocol):
    """The workspace's own files (`files.service.FilesService`)."""

    def export_raw(self, principal: Principal, path: str, format: str = "SOURCE") -> bytes: ...

    def list(self, principal: Principal, path: str) -> dict[str, Any]: ...


class Secrets(Protocol):
    """Secrets as runs meet them (`secrets.service.SecretsService`)."""

    def resolve(self, principal: Principal, text: str) -> str: ...

    def redact(self, text: str, principal: Principal) -> str: ...


@dataclass(frozen=True)
class JobServices:
    """What jobs and their runs need of other rooms."""

    store: Store
    clock: Clock
    permissions: AccessControl
    identity: JobIdentity
    compute: ComputeService
    files: WorkspaceFiles
    config: WorkspaceConfig
    secrets: Secrets


@dataclass(frozen=True)
class RunServices(JobServices):
    """Handed to every run; `start_child` starts a run for a run_job_task and returns its id."""

    records: RunRecords
    repositories: Repositories
    notifications: Notifications
    start_child: Callable[[JobRun, int, dict[str, Any]], int]
    await_run: Callable[[int, float | None], JobRun | None]
    cancel_child: Callable[[int], None]

    def run_folder(self, run_id: int) -> Path:
        return self.config.folder(f"runs/{run_id}")

    def notify(
        self,
        event: str,
        run: JobRun,
        settings: Mapping[str, Any],
        task: TaskRun | None = None,
        state: State | None = None,
        message: str = "",
    ) -> None:
        """Tells all whom `settings` (the run's or the task's) name for the event."""
        subject = {
            "job_id": run.job_id,
            "job_name": run.settings["name"],
            "run_id": run.run_id,
            "task_key": None if task is None else task.key,
            "result": None if state is None else state.result,
            "message": message or ("" if state is None else state.message),
            "url": f"{self.config.url}/runs/{run.run_id}",
        }
        self.notifications.notify(event, settings, subject)

    def log_path(self, job_run_id: int, task_run_id: int) -> Path:
        return self.run_folder(job_run_id) / "logs" / f"{task_run_id}.log"
