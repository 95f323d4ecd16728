"""What is asked of a deployment, and the record with which it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ci.apply.clients import Records, champion_of
from ci.apply.decide import Decision
from ci.deployments.record import Deployment, HookResult, deployed_digest, deployment_id, utc
from ci.plan.model import Plan
from ci.pull_requests import pull_request_of
from ci.repository import ROOT
from ci.terraform.synthesis import Kind
from infra.settings import Settings


@dataclass(frozen=True)
class Request:
    """What is to be deployed where, and on whose word."""

    environment: str
    root: Path = ROOT
    approved: str | None = None
    plan_file: Path | None = None
    approver: str | None = None
    author: str | None = None
    pull_request: int | None = None
    pipeline_url: str | None = None
    tag: str | None = None
    release_of: str | None = None
    kinds: tuple[Kind, ...] | None = None
    allow_uncommitted: bool = False
    agreed: Callable[[Plan], bool] = lambda plan: True
    """Asked before a plan without approval is applied."""

    def kinds_for(self, settings: Settings) -> tuple[Kind, ...]:
        """The admin stack is the environment's own: a branch's copy has a project stack alone."""
        return self.kinds or (("project",) if settings.copy_of else ("admin", "project"))


def new_record(
    request: Request,
    settings: Settings,
    now: Plan,
    decision: Decision,
    authors: Sequence[str],
    hooks: tuple[HookResult, ...],
    records: Records,
) -> Deployment:
    """A deployment of which nothing is applied yet."""
    moment = datetime.now(UTC)
    stacks = {stack.stack: stack.stack_digest for stack in now.stacks}
    return Deployment(
        id=deployment_id(now.commit, moment),
        project=settings.project.project,
        environment=request.environment,
        state="applying",
        commit=now.commit,
        branch=now.branch,
        tag=request.tag,
        release_of=request.release_of,
        stacks=stacks,
        ml_code_digest=now.ml_code_digest,
        digest=deployed_digest(stacks, now.ml_code_digest),
        plan_digest=decision.digest,
        approved_by=request.approver,
        author=", ".join(authors) or None,
        pull_request=request.pull_request or pull_request_of(request.root, now.commit),
        pipeline_url=request.pipeline_url,
        started_at=utc(moment),
        by=records.by,
        changes=decision.approved,
        hooks=hooks,
        champion_before=champion_of(records.client, settings),
    )
