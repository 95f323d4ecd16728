"""A production environment in a real local workspace: model versions and deployment records, without any training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from databricks.sdk import WorkspaceClient

from ci.apply.report import Report
from ci.apply.request import Request
from ci.deployments.record import Deployment, deployed_digest, deployment_id, utc
from ci.deployments.store import Deployments
from ci.errors import Trouble
from ci.plan.model import Action, Change, Plan, StackPlan
from ci.release.journal import JournalFile
from ci.release.models import Models
from ci.release.scene import Scene
from ci.repository import git
from ci.terraform.credentials import Credentials
from infra.settings import Settings
from infra.workspace.launch import Running
from tests.ci.release.repo import Project

API = "/api/2.0/mlflow"
_BEGIN = datetime(2026, 11, 20, 11, tzinfo=UTC)


class Prod:
    """What prod's workspace holds; everything of it goes with `clear`."""

    def __init__(self, workspace: Running, settings: Settings) -> None:
        self.workspace, self.settings = workspace, settings
        self.client = WorkspaceClient(host=workspace.url, token=workspace.token)
        self.models = Models(self.client, settings.model_full_name)
        self.journal = JournalFile(self.client, settings)
        self.client.catalogs.create(settings.catalog)
        self.client.schemas.create(settings.schema_name, settings.catalog)
        experiment = self.client.experiments.create_experiment("/Shared/prod-of-tests").experiment_id
        self._experiment = str(experiment)

    @property
    def records(self) -> Deployments:
        return Deployments(self.client, self.settings)

    def begin(self) -> None:
        name = {"catalog_name": self.settings.catalog, "schema_name": self.settings.schema_name}
        self.client.registered_models.create(**name, name=self.settings.project.model)
        self.client.workspace.mkdirs(self.settings.folder)

    def clear(self) -> None:
        self.client.registered_models.delete(self.settings.model_full_name)
        self.client.workspace.delete(self.settings.folder, recursive=True)

    def version(self, commit: str, verdict: str = "promote: better") -> int:
        """Registers a version as a training run of the commit does."""
        tags = [{"key": "git_commit", "value": commit}]
        run = self._call("runs/create", experiment_id=self._experiment, tags=tags)["run"]["info"]
        path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
        self.workspace.call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/m/MLmodel", content=b"flavors: {}\n")
        source = {"source": f"runs:/{run['run_id']}/m", "run_id": run["run_id"]}
        made = self._call("model-versions/create", name=self.settings.model_full_name, **source)
        number = int(made["model_version"]["version"])
        self.client.model_versions.update(self.settings.model_full_name, number, comment=verdict)
        return number

    def deploy(self, commit: str, **facts: object) -> Deployment:
        """Records a deployment; the champion is what it is, but for the facts."""
        champion = self.models.champion()
        moment = _BEGIN + timedelta(hours=len(self.records.all()))
        known: dict[str, object] = {
            "id": deployment_id(commit, moment),
            "project": self.settings.project.project,
            "environment": self.settings.environment,
            "state": "applied",
            "commit": commit,
            "branch": self.settings.branch,
            "stacks": {},
            "ml_code_digest": "0" * 40,
            "digest": deployed_digest({}, "0" * 40),
            "plan_digest": "2" * 64,
            "started_at": utc(moment),
            "ended_at": utc(moment),
            "by": "branchline-prod",
            "champion_before": str(champion.number) if champion else None,
            "champion_after": str(champion.number) if champion else None,
        }
        made = Deployment.model_validate(known | facts)
        self.records.write(made)
        return made

    def state(self, project: Project) -> dict[str, Any]:
        """All that a rollback may change."""
        champion = self.models.champion()
        return {
            "refs": project.refs(),
            "champion": champion.number if champion else None,
            "deployments": self.records.all(),
            "journal": self.journal.read(),
        }

    def _call(self, path: str, **body: object) -> Any:
        return self.workspace.call("POST", f"{API}/{path}", json=body)


class Stacks:
    """Stands for Terraform: `applied` are the commits whose stacks the workspace has, newest last."""

    def __init__(self, prod: Prod) -> None:
        self._prod = prod
        self.applied: list[str] = []
        self.fails: Callable[[Request], None] = lambda request: None

    def plan(
        self, path: Path, settings: Settings, kinds: Sequence[str], base: str | None, credentials: object, log: object
    ) -> Plan:
        commit = git(path, "rev-parse", "HEAD")
        version = (path / "ml_code/step.py").read_text()
        if "cannot be planned" in version:
            raise Trouble("prod cannot be planned as it was")
        change = Change(address="databricks_job.training", type="databricks_job", action=Action.UPDATE)
        stack = StackPlan(
            stack="prod", environment="prod", kind="project", stack_digest=git(path, "hash-object", "ml_code/step.py"),
            changes=(change,),
        )  # fmt: skip
        return Plan(commit=commit, branch=settings.branch, ml_code_digest="0" * 40, stacks=(stack,))

    def deploy(self, request: Request, settings: Settings, credentials: object, say: object, log: object) -> Report:
        """Deploys as `ci.apply` does: once, a record that begins, stacks, a record that ends."""
        commit = git(request.root, "rev-parse", "HEAD")
        plan = self.plan(request.root, settings, request.kinds or (), None, credentials, log)
        assert request.approved == plan.digest("prod"), "what is deployed was not approved"
        latest = self._prod.records.latest()
        if latest and latest.commit == commit and latest.state == "applied":
            return Report(deployment=latest, parts=())
        facts: dict[str, object] = {
            "release_of": request.release_of,
            "approved_by": request.approver,
            "stacks": {stack.stack: stack.stack_digest for stack in plan.stacks},
        }
        resumed = latest if latest and latest.commit == commit else None
        begun = resumed or self._prod.deploy(commit, **facts, state="applying")
        self.fails(request)
        self.applied.append(commit)
        ended = begun.model_copy(update={"state": "applied"})
        self._prod.records.write(ended)
        return Report(deployment=ended, parts=())


def scene(prod: Prod, project: Project, stacks: Stacks, heard: list[str] | None = None) -> Scene:
    """The rollback's scene, with Terraform's part played by `stacks`."""
    return Scene(
        prod.settings,
        prod.client,
        Credentials(environment={}),
        root=project.path,
        plan=stacks.plan,
        deploy=stacks.deploy,
        say=(heard if heard is not None else []).append,
    )
