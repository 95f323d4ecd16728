"""All three environments on one local workspace, deployed as the README tells it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from infra.settings import load_project
from infra.workspace import launch
from infra.workspace.launch import Running
from tests.support.clone import Clone

T = TypeVar("T")

ENVIRONMENTS = ("dev", "staging", "prod")
ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
# What cdktf and terraform would ask of the network, in vain, on a machine that has none.
QUIET = {"CHECKPOINT_DISABLE": "1", "DISABLE_VERSION_CHECK": "1"}


def git_url() -> str:
    """The git URL as the settings name it."""
    return load_project().git.url


@dataclass(frozen=True)
class Deployment:
    clone: Clone
    workspace: Running

    def environment(self, principal: str | None = None) -> dict[str, str]:
        """The variables of a shell that works as the admin, or as a service principal."""
        return {**launch.environment(self.workspace, principal), **QUIET, "BRANCH": "dev"}

    def deploy_all(self) -> None:
        """The admin stacks as the admin, then each project stack as its own service principal."""
        # dev-admin makes what all share, such as the groups: it goes first.
        self.clone.cdktf("deploy", "dev-admin", environment=self.environment())
        self.clone.cdktf("deploy", "staging-admin", "prod-admin", environment=self.environment())
        for name in ENVIRONMENTS:
            self.clone.cdktf("deploy", name, environment=self.environment(f"branchline-{name}"))

    def deploy_one(self, name: str) -> None:
        self.clone.cdktf("deploy", f"{name}-admin", environment=self.environment())
        self.clone.cdktf("deploy", name, environment=self.environment(f"branchline-{name}"))

    def job_id(self, name: str) -> int:
        listed = self.workspace.call("GET", "/api/2.2/jobs/list", params={"name": name})
        return int(listed["jobs"][0]["job_id"])

    def start_job(self, name: str, **parameters: str) -> int:
        body = {"job_id": self.job_id(name), "job_parameters": parameters}
        return int(self.workspace.call("POST", "/api/2.2/jobs/run-now", json=body)["run_id"])

    def run_job(self, name: str, **parameters: str) -> Run:
        """Runs a job to its end."""
        return wait_for_run(self.workspace, self.start_job(name, **parameters))

    def as_principal(self, name: str) -> httpx.Client:
        """A client with the service principal's own token."""
        token = launch.service_principal_token(self.workspace, name, 3600)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.workspace.url, headers=headers, timeout=60)


@dataclass(frozen=True)
class Run:
    """A run that has ended, with its tasks' logs by task key."""

    body: Mapping[str, Any]
    logs: Mapping[str, str]

    @property
    def result(self) -> str:
        return str(self.body["state"].get("result_state", self.body["state"]["life_cycle_state"]))

    @property
    def commit(self) -> str:
        return str(self.body["git_source"]["git_snapshot"]["used_commit"])

    def states(self) -> dict[str, str]:
        return {task["task_key"]: task["state"].get("result_state", "") for task in self.body["tasks"]}

    def __str__(self) -> str:
        logs = "\n".join(f"--- {key}\n{text}" for key, text in self.logs.items())
        return f"{self.body['run_name']}: {self.body['state']}\n{self.states()}\n{logs}"


def wait_for_run(workspace: Running, run_id: int, timeout: float = 240) -> Run:
    """Polls until the run has ended; AssertionError with the run's state after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        body = workspace.call("GET", "/api/2.2/jobs/runs/get", params={"run_id": run_id})
        if body["state"]["life_cycle_state"] in ENDED:
            break
        assert time.monotonic() < deadline, f"run {run_id} has not ended within {timeout:.0f} s: {body['state']}"
        time.sleep(0.1)
    outputs = {
        task["task_key"]: workspace.call("GET", "/api/2.2/jobs/runs/get-output", params={"run_id": task["run_id"]})
        for task in body["tasks"]
    }
    return Run(body, {key: f"{output.get('logs') or ''}{output.get('error') or ''}" for key, output in outputs.items()})


def eventually(look: Callable[[], T], seconds: float = 30) -> T:
    """What `look` answers once it is something; AssertionError if it stays empty for `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing came within {seconds:.0f} s"
        time.sleep(0.1)


def inventory(workspace: Running) -> dict[str, Any]:
    """All that a deployment could leave behind, by kind; ids and times left out."""
    call = workspace.call
    scim = "/api/2.0/preview/scim/v2"
    catalogs = call("GET", "/api/2.1/unity-catalog/catalogs").get("catalogs", [])
    return {
        "users": sorted(user["userName"] for user in call("GET", f"{scim}/Users").get("Resources", [])),
        "groups": sorted(group["displayName"] for group in call("GET", f"{scim}/Groups").get("Resources", [])),
        "principals": sorted(
            found["displayName"] for found in call("GET", f"{scim}/ServicePrincipals").get("Resources", [])
        ),
        "catalogs": sorted(catalog["name"] for catalog in catalogs),
        "jobs": sorted(job["settings"]["name"] for job in call("GET", "/api/2.2/jobs/list").get("jobs", [])),
        "policies": [policy["name"] for policy in call("GET", "/api/2.0/policies/clusters/list").get("policies", [])],
        "scopes": [scope["name"] for scope in call("GET", "/api/2.0/secrets/scopes/list").get("scopes", [])],
        "objects": [
            found["path"] for found in call("GET", "/api/2.0/workspace/list", params={"path": "/"}).get("objects", [])
        ],
        "alerts": sorted(alert["display_name"] for alert in call("GET", "/api/2.0/alerts").get("alerts", [])),
        "dashboards": sorted(
            found["display_name"] for found in call("GET", "/api/2.0/lakeview/dashboards").get("dashboards", [])
        ),
        "experiments": sorted(
            found["name"]
            for found in call("GET", "/api/2.0/mlflow/experiments/search?max_results=1000").get("experiments", [])
        ),
    }
