"""Comparing a live workspace with the commit that was deployed to it last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ci.deployments.record import Deployment
from ci.deployments.store import Deployments
from ci.drift.orphans import find_orphans, managed_ids
from ci.drift.report import DriftReport, EnvironmentDrift
from ci.errors import Trouble
from ci.plan.make import make_plan
from ci.repository import ROOT, find_commit, git, uncommitted
from ci.target import find_target
from ci.terraform.credentials import Credentials
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import Synthesis
from ci.worktrees import worktree
from infra.settings import Settings, load_settings


def look_for_drift(
    environments: Sequence[str],
    *,
    root: Path = ROOT,
    credentials: Credentials | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> DriftReport:
    """Each environment against its own last deployment; what cannot be looked at has its problem in its place."""
    found = credentials or Credentials()
    return DriftReport(environments=tuple(_look(name, root, found, say) for name in environments))


def _look(environment: str, root: Path, credentials: Credentials, say: Callable[[str], None]) -> EnvironmentDrift:
    # Named, its own branch makes no developer's copy of it, whatever is checked out.
    pinned = load_settings(environment, variables={}).values.branch
    settings = load_settings(environment, branch=pinned)
    try:
        client = find_target(credentials.data_dir).client()
        deployment = Deployments(client, settings).latest_applied()
        with _tree(deployment, root) as tree:
            plan, synthesis = make_plan(
                [environment],
                root=tree,
                outdir=root / ".branchline" / "drift",
                credentials=credentials,
                variables={**os.environ, "BRANCH": pinned},
                say=say,
            )
            if plan.problems:
                raise Trouble("\n".join(str(stack.problem) for stack in plan.problems))
            managed = managed_ids(_states(synthesis, settings, credentials))
        return EnvironmentDrift(
            environment=environment,
            commit=plan.commit,
            deployment=deployment.id if deployment else None,
            stacks=plan.stacks,
            orphans=tuple(find_orphans(client, settings, managed)),
        )
    except Trouble as error:
        return EnvironmentDrift(environment=environment, problem=str(error))


@contextmanager
def _tree(deployment: Deployment | None, root: Path) -> Iterator[Path]:
    """The files of the deployed commit: the clone's own where they are checked out."""
    head = git(root, "rev-parse", "HEAD")
    if deployment is None or (deployment.commit == head and not uncommitted(root)):
        yield root
        return
    if find_commit(root, deployment.commit) is None:
        raise Trouble(f"the deployed commit {deployment.commit} is not in this clone: fetch it first")
    with worktree(deployment.commit, root, with_state=True) as path:
        yield path


def _states(synthesis: Synthesis, settings: Settings, credentials: Credentials) -> list[dict[str, object]]:
    return [
        Terraform(stack, credentials.variables(stack.environment, stack.kind)).state()
        for stack in synthesis.of([settings.environment])
    ]
