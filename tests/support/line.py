"""A clone whose dev environment is deployed by `branchline apply`, with jobs that take a moment and no training."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ci.apply import Report, Request, apply
from ci.deployments.record import Deployment
from ci.deployments.store import Deployments
from ci.plan.make import make_plan
from ci.plan.model import Plan
from ci.target import Target
from ci.terraform.credentials import Credentials
from infra.settings import load_settings
from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import ROOT, Clone
from tests.support.deployment import git_url

_SETTINGS = "infra/settings/dev.yaml"
_RUN = """
import sys
from pathlib import Path

print("this is", sys.argv[1])
sys.exit(1 if Path({sick!r}).exists() else 0)
"""
_HOOKS = """
hooks:
  - {name: land, run_job: landing, when: code}
  - {name: score, run_job: batch-inference, when: stacks}
"""


class Line:
    """A clone on branch dev, its workspace, and what users do with both. The jobs fail while the file `sick` exists."""

    def __init__(self, folder: Path) -> None:
        self.clone = Clone(folder)
        self.root = self.clone.path
        self.sick = folder / "sick"
        self.data_dir = folder / "workspace"
        self.workspace: Running = launch.start(self.data_dir, port=0, repos={git_url(): str(self.clone.remote)})
        self.credentials = Credentials(data_dir=self.data_dir, environment={})
        self.said: list[str] = []
        settings = (self.root / _SETTINGS).read_text().replace("retries: 1", "retries: 0")
        run = _RUN.format(sick=str(self.sick))
        self.commit({"ml_code/run.py": run, _SETTINGS: settings.replace("\nhooks: []\n", _HOOKS)})

    def commit(self, files: Mapping[str, str]) -> str:
        """A pushed commit on dev, which is then checked out."""
        commit = self.clone.commit("dev", files)
        self.clone.git("checkout", "-q", "dev")
        return commit

    def set_timeout(self, minutes: int) -> str:
        """A commit that changes every job, and nothing else."""
        text = (self.root / _SETTINGS).read_text()
        return self.commit({_SETTINGS: re.sub(r"timeout_minutes: \d+", f"timeout_minutes: {minutes}", text)})

    def plan(self) -> Plan:
        """What `branchline plan dev` writes."""
        return make_plan(["dev"], root=self.root, credentials=self.credentials)[0]

    def apply(self, credentials: Credentials | None = None, **request: Any) -> Report:
        """`branchline apply dev`; what it says is in `said`."""
        self.said.clear()
        return apply(Request("dev", root=self.root, **request), self.said.append, credentials or self.credentials)

    @property
    def records(self) -> Deployments:
        """The deployments of dev, as dev's service principal sees them."""
        return Deployments(self.client("branchline-dev"), load_settings("dev", variables={"BRANCH": "dev"}))

    def latest(self) -> Deployment:
        """The newest record."""
        found = self.records.latest()
        assert found is not None
        return found

    def client(self, principal: str | None = None) -> Any:
        """A databricks-sdk client."""
        return Target(self.workspace.url, launch.environment(self.workspace, principal)).client()

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The settings of dev's jobs by name; two of one name are an error."""
        listed = self.workspace.call("GET", "/api/2.2/jobs/list", params={"limit": 100, "expand_tasks": "true"})
        names = [job["settings"]["name"] for job in listed.get("jobs", [])]
        assert len(names) == len(set(names)), names
        return {job["settings"]["name"]: job for job in listed.get("jobs", [])}

    def start_cli(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """`branchline` of the clone, under way."""
        return subprocess.Popen(
            [str(ROOT / ".venv/bin/python"), "-c", "from ci.main import main; main()", *arguments],
            cwd=self.root,
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def cli(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        process = self.start_cli(*arguments, **variables)
        printed, _ = process.communicate(timeout=120)
        return process.returncode, printed

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "TF_"))}
        return {**kept, "BRANCHLINE_DATA_DIR": str(self.data_dir), **variables}


def parts_of(report: Report) -> dict[str, tuple[str, bool]]:
    """State, and whether it was touched, by part."""
    return {part.name: (part.state, part.touched) for part in report.parts}


def hooks_of(report: Report) -> dict[str, str]:
    """State by hook."""
    return {hook.name: hook.state for hook in report.deployment.hooks}


def touched(plans: Sequence[Any]) -> list[str]:
    """The addresses that plans change."""
    return [change.address for plan in plans for change in plan.changes]
