"""A jobs room on real rooms, and tiny repositories whose code its jobs run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.workspace.compute.service import ComputeService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.files.service import FilesService
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.service import JobsService
from infra.workspace.jobs.services import JobServices
from infra.workspace.secrets.service import SecretsService
from infra.workspace.store.database import Store

URL = "https://git.example.com/team/project.git"


class NoVolumes:
    """The catalog room's part in the files room, which no test here asks for."""


@dataclass
class Room:
    """The jobs room with what it stands on; `admin` is the first admin."""

    store: Store
    clock: Clock
    identity: IdentityService
    permissions: Permissions
    secrets: SecretsService
    files: FilesService
    compute: ComputeService
    jobs: JobsService
    admin: Principal

    def stop(self) -> None:
        self.jobs.stop()
        self.compute.stop()

    def service_principal(self, name: str) -> Principal:
        made = self.identity.scim.create(self.admin, ResourceType.SERVICE_PRINCIPALS, {"displayName": name})
        return self.identity.find(made["applicationId"])

    def run(self, job_id: int, timeout: float = 60, **body: Any) -> dict[str, Any]:
        """Runs a job as the admin and waits for its end."""
        return self.wait(self.jobs.runs.run_now(self.admin, {"job_id": job_id, **body})["run_id"], timeout)

    def wait(self, run_id: int, timeout: float = 60) -> dict[str, Any]:
        assert self.jobs.runs.await_run(run_id, timeout) is not None, "the run has not ended"
        return self.jobs.runs.get_run(self.admin, run_id, include_history=True, include_resolved=True)

    def wait_for_task(self, run_id: int, key: str, life: str = "RUNNING", timeout: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            task = tasks_of(self.jobs.runs.get_run(self.admin, run_id)).get(key, {})
            if task.get("state", {}).get("life_cycle_state") == life:
                return task
            time.sleep(0.02)
        raise AssertionError(f"task {key} was never {life}")

    def log(self, task: Mapping[str, Any]) -> str:
        return str(self.jobs.runs.get_run_output(self.admin, int(task["run_id"]))["logs"])


def open_room(data_dir: Path, repos: Mapping[str, str]) -> Room:
    config = WorkspaceConfig(data_dir=data_dir, port=9, provider_port=10, workspace_id=77, repos=repos)
    data_dir.mkdir(exist_ok=True)
    store = Store(data_dir / "workspace.db")
    clock = Clock()
    identity = IdentityService(store, clock)
    admin = identity.authenticate(identity.bootstrap("admin@example.com"))
    permissions = Permissions(store, identity)
    secrets = SecretsService(store, clock, identity, config)
    files = FilesService(store, clock, permissions, NoVolumes(), config)  # type: ignore[arg-type] # see NoVolumes
    compute = ComputeService(store, clock, permissions, config, identity, lambda principal, token: {})
    jobs = JobsService(JobServices(store, clock, permissions, identity, compute, files, config, secrets))
    jobs.start()
    return Room(store, clock, identity, permissions, secrets, files, compute, jobs, admin)


def tasks_of(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The last attempt at each task."""
    return {task["task_key"]: task for task in run["tasks"]}


def results_of(run: Mapping[str, Any]) -> dict[str, str]:
    return {key: task["state"].get("result_state", "") for key, task in tasks_of(run).items()}


class Repository:
    """A bare repository; `commit` writes files to a branch and gives the commit's id."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "project.git"
        self._work = folder / "work"
        self._git("init", "--quiet", "--bare", str(self.path), cwd=folder)
        self._git("clone", "--quiet", str(self.path), str(self._work), cwd=folder)

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        self._git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            target = self._work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self._git("add", "--all")
        self._git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "change")
        self._git("push", "--quiet", "--force", "origin", branch)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=cwd or self._work, capture_output=True, text=True, check=True)
        return done.stdout


def python_task(key: str, *parameters: str, needs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "task_key": key,
        "spark_python_task": {"python_file": "ml_code/run.py", "source": "GIT", "parameters": list(parameters)},
        "depends_on": [{"task_key": other} for other in needs],
        **more,
    }


def job(*tasks: dict[str, Any], branch: str = "main", **more: Any) -> dict[str, Any]:
    source = {"git_url": URL, "git_provider": "gitHub", "git_branch": branch}
    return {"name": "test job", "git_source": source, "tasks": list(tasks), **more}
