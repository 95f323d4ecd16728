"""What the fault tests break: a workspace with a tiny project's jobs, and synthesized stacks to deploy."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import Clone
from tests.support.deployment import QUIET, Deployment, Run, git_url, wait_for_run
from tests.support.jobs_room import URL, Repository

STEPS = """
import os, signal, subprocess, sys, time

name, *arguments = sys.argv[1:]
print("this is", name, flush=True)
if name == "raises":
    raise ValueError("no births on this day")
if name == "hangs":
    # A child that ignores the polite signal, and one that leaves the task's process group.
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    children = [
        subprocess.Popen([sys.executable, "-c", stubborn]),
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True),
    ]
    print("pids", os.getpid(), *(child.pid for child in children), flush=True)
    time.sleep(600)
"""


def until(holds: Callable[[], Any], what: str, timeout: float = 60) -> Any:
    """The condition's value once it is true; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := holds()):
        assert time.monotonic() < deadline, f"after {timeout:.0f} s still not: {what}"
        time.sleep(0.02)
    return value


def pids_in(log: str) -> list[int]:
    """The processes that the step `hangs` names: its own, a child, and a child that has left its group."""
    found = [line.split()[1:] for line in log.splitlines() if line.startswith("pids ")]
    return [int(pid) for pids in found for pid in pids]


def kill(workspace: Running) -> None:
    """`kill -9`, and nothing else: what it started is left as it is."""
    os.kill(workspace.record.pid, signal.SIGKILL)
    until(lambda: not workspace.record.alive, "the workspace is gone")


class Jobs:
    """A workspace in which jobs of a tiny repository run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.repository = Repository(folder)
        self.repository.commit({"ml_code/run.py": STEPS})
        self.folder = folder / "workspace"
        self.workspace = self.start()

    def start(self) -> Running:
        """Starts the workspace, anew after a kill: on the ports that it had."""
        port = None if self.folder.exists() else 0
        self.workspace = launch.start(self.folder, port=port, repos={URL: str(self.repository.path)})
        return self.workspace

    def create(self, body: Mapping[str, Any]) -> int:
        return int(self.workspace.call("POST", "/api/2.2/jobs/create", json=body)["job_id"])

    def begin(self, job_id: int) -> int:
        return int(self.workspace.call("POST", "/api/2.2/jobs/run-now", json={"job_id": job_id})["run_id"])

    def pids(self, run_id: int) -> list[int]:
        """The processes of the run's first task, the step `hangs`, once they are there."""

        def named() -> list[int]:
            run = self.workspace.call("GET", "/api/2.2/jobs/runs/get", params={"run_id": run_id})
            task = {"run_id": run["tasks"][0]["run_id"]}
            return pids_in(self.workspace.call("GET", "/api/2.2/jobs/runs/get-output", params=task)["logs"])

        found: list[int] = until(named, "the task's children are there")
        return found

    def run(self, body: Mapping[str, Any]) -> Run:
        """Creates a job and runs it to its end."""
        return wait_for_run(self.workspace, self.begin(self.create(body)), timeout=60)

    def outbox(self, job_id: int) -> list[dict[str, Any]]:
        sent = self.workspace.call("GET", "/api/2.0/local/outbox", params={"job_id": job_id})
        return list(sent["notifications"])


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path_factory.mktemp("jobs"))
    yield jobs
    launch.stop(jobs.folder)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A user's clone with all stacks synthesized."""
    clone = Clone(tmp_path_factory.mktemp("cloned"))
    clone.cdktf("synth", environment={**QUIET, "BRANCH": "dev"})
    return clone


class Site:
    """Synthesized stacks with a state of their own, and the workspace that they are deployed to."""

    def __init__(self, clone: Clone, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(clone.path / "cdktf.out/stacks", folder / "cdktf.out/stacks")
        (folder / ".branchline/state").mkdir(parents=True)
        workspace = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
        self.deployment = Deployment(clone, workspace)

    @property
    def workspace(self) -> Running:
        return self.deployment.workspace

    def restart(self) -> None:
        """After a kill, on the same folder."""
        self.deployment = Deployment(self.deployment.clone, launch.start(self.folder / "workspace"))

    def environment(self, stack: str) -> dict[str, str]:
        """Who deploys the stack: the admin, or the environment's own service principal."""
        principal = None if stack.endswith("-admin") else f"branchline-{stack}"
        return self.deployment.environment(principal)

    def apply(self, stack: str, environment: Mapping[str, str] | None = None) -> str:
        """Deploys a stack; AssertionError with Terraform's words if that fails."""
        return self.start_apply(stack, environment).finish(expected=0)

    def start_apply(self, stack: str, environment: Mapping[str, str] | None = None) -> Terraform:
        environment = environment or self.environment(stack)
        self._initialize(stack, environment)
        return Terraform(self.path(stack), environment, "apply", "-auto-approve")

    def changes(self, stack: str) -> str:
        """What a plan would do; empty if nothing."""
        planned = Terraform(self.path(stack), self.environment(stack), "plan", "-detailed-exitcode").finish()
        return "" if "No changes." in planned else planned

    def interrupted(self) -> list[str]:
        """What the workspace names as cut off in its creation."""
        status = self.workspace.call("GET", "/api/2.0/local/status")
        return list(status.get("interrupted_creations", []))

    def path(self, stack: str) -> Path:
        return self.folder / "cdktf.out/stacks" / stack

    def state(self, stack: str) -> Path:
        return self.folder / f".branchline/state/{stack}.tfstate"

    def _initialize(self, stack: str, environment: Mapping[str, str]) -> None:
        if not (self.path(stack) / ".terraform").exists():
            Terraform(self.path(stack), environment, "init").finish(expected=0)


class Terraform:
    """A terraform command under way."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - read in finish, gone with this object
        self.process = subprocess.Popen(
            ["terraform", *arguments, "-no-color", "-input=false"],
            cwd=folder,
            env={**os.environ, **QUIET, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, expected: int | None = None) -> str:
        """All that it printed."""
        status = self.process.wait(timeout=120)
        self._output.seek(0)
        printed = self._output.read()
        assert expected is None or status == expected, printed
        return printed


@pytest.fixture(scope="module")
def site(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Stacks and workspace of one test module, nothing deployed yet."""
    site = Site(clone, tmp_path_factory.mktemp("site"))
    yield site
    launch.stop(site.folder / "workspace")
